import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Message } from '../actions/action.ts'
import { ActionFailed } from '../actions/errors.ts'
import { notifierNames, notifiersSchema, openNotify } from './index.ts'
import type { NotifierServices } from './notifier.ts'
import type { Post } from './outbound.ts'
import { plainText } from './plain-text.ts'
import { payloadOf } from './slack.ts'

const message: Message = {
  title: 'Read sensitive file',
  text: 'cat opened /etc/shadow',
  severity: 'Critical',
  caseId: 'case-1',
  link: 'https://riposte.example/cases/case-1',
  alert: {
    id: '0'.repeat(32),
    node: 'node-a',
    bootId: 'b',
    rule: 'r',
    priority: 'Critical',
    source: 'syscall',
    tags: [],
    time: '2026-11-21T00:00:00Z',
    output: '',
    outputFields: {},
    actions: [],
    process: null,
    place: null,
    request: null,
    object: null,
    strikes: [],
  },
}

/** Keeps what would leave the house; `fails` says for which addresses it does not. */
function makeServices(fails: (url: string) => boolean = () => false) {
  const posts: Post[] = []
  const lines: string[] = []
  const services: NotifierServices = {
    outbound: {
      post: (post) => {
        if (fails(post.url)) return Promise.reject(new ActionFailed('down', true))
        posts.push(post)
        return Promise.resolve()
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    log: (_fields, text) => void lines.push(text),
    nowMs: () => 1_700_000_000_999,
  }
  return { services, posts, lines }
}

test('a webhook is signed over its time and body, with the key that is in the file now', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-secret-'))
  const secretFile = join(folder, 'key')
  try {
    const settings = notifiersSchema.parse({
      hook: { kind: 'webhook', url: 'https://example.org/', secretFile },
    })
    const { services, posts } = makeServices()
    const notify = openNotify(settings, services)
    writeFileSync(secretFile, 'key-1\n')
    await notify('hook', message, 'd1')
    writeFileSync(secretFile, 'key-2\n')
    await notify('hook', message, 'd2')

    const expected = posts.map(
      ({ body }, index) =>
        `t=1700000000,v1=${createHmac('sha256', `key-${index + 1}`)
          .update(`1700000000.${body}`)
          .digest('hex')}`,
    )
    expect(posts.map(({ headers }) => headers['riposte-signature'])).toEqual(expected)
    expect(JSON.parse(posts[0]?.body ?? '')).toEqual({
      deliveryId: 'd1',
      sentMs: 1_700_000_000_999,
      ...message,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a delivery that is tried again reaches only those that it did not reach', async () => {
  const settings = notifiersSchema.parse({
    up: { kind: 'webhook', url: 'https://up.example/' },
    down: { kind: 'webhook', url: 'https://down.example/' },
  })
  let isDown = true
  const { services, posts } = makeServices((url) => isDown && url.includes('down'))
  const notify = openNotify(settings, services)
  const deliver = () =>
    Promise.allSettled(['up', 'down'].map((name) => notify(name, message, `step/${name}`)))
  await deliver()
  isDown = false
  await deliver()
  expect(posts.map(({ url }) => url)).toEqual(['https://up.example/', 'https://down.example/'])
})

test('log and security_team are there without being configured', async () => {
  const { services, lines } = makeServices()
  const notify = openNotify({}, services)
  await notify('log', message, 'a')
  await notify('security_team', message, 'b')
  expect(lines).toEqual(Array(2).fill('Read sensitive file: cat opened /etc/shadow'))
  expect(notifierNames({})).toEqual(['log', 'security_team'])
  await expect(notify('secuirty_team', message, 'c')).rejects.toMatchObject({
    code: 'refused',
    message: 'unknown notifier "secuirty_team"; did you mean security_team?',
  })
})

test('a wrong entry names what is wrong with it', () => {
  const wrong = notifiersSchema.safeParse({
    a: { kind: 'slak' },
    b: { kind: 'slack', urlFile: 'relative' },
    c: { kind: 'webhook', url: 'ftp://x/', extra: 1 },
  })
  expect(wrong.error?.issues.map(({ path }) => path.join('.'))).toEqual([
    'a.kind',
    'b.urlFile',
    'c.url',
    'c',
  ])
})

test('nothing that an event says is a mention, a link, the end of the quotation or an invisible character in Slack', () => {
  const text =
    '<!channel> <https://evil.example|approve> ``` *bold* & \u202egnp.exe \u001b[31m\u200b\r\nend'
  const { text: summary, blocks } = payloadOf({ ...message, title: '<!here>', text })
  // Slack reads plain_text as it stands, the other two for mentions and links.
  expect(blocks[0]).toMatchObject({ type: 'header', text: { type: 'plain_text' } })
  const [, section] = blocks as { text: { type: string; text: string } }[]
  expect(section?.text.type).toBe('mrkdwn')
  const read = `${summary}${section?.text.text}`
  expect(read).not.toMatch(/<|>/)
  expect(read).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
  expect(read.match(/```/g)).toHaveLength(2)
  expect(read).toContain('&lt;!channel&gt;')
})

test('a text of any length and content fits into what Slack takes', () => {
  for (const text of [
    '<'.repeat(50_000),
    '\ud800'.repeat(5000),
    '👍'.repeat(5000),
    '&'.repeat(598) + '<'.repeat(10),
  ]) {
    const [, section] = payloadOf({ ...message, title: text, text }).blocks as {
      text: { text: string }
    }[]
    expect(section?.text.text.length).toBeLessThanOrEqual(3000)
    expect(section?.text.text).toMatch(/^```[^]*```$/)
    expect(section?.text.text.isWellFormed()).toBe(true)
    expect(section?.text.text.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&')
  }
})

test('a text that is cut says so and is never half a character', () => {
  expect(plainText('a👍b', 3)).toBe('a…')
  expect(plainText('abc', 3)).toBe('abc')
  expect(plainText('a\tb\nc', 9)).toBe('a\ufffdb\nc')
})
