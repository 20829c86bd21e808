import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Verdict } from '../../../contract/verdict.ts'
import { sampleAlert } from '../../policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from '../../start.sample.ts'

const executablePath = '/usr/bin/chromium'
const onChromium = existsSync(executablePath) ? test : test.skip
const why = existsSync(executablePath) ? '' : ' (no /usr/bin/chromium: apt-get install chromium)'
/** Keeps pictures of the page there, for people to look at. */
const pictures = process.env['RIPOSTE_PICTURES']

const policy = (name: string, rule: string, ladder: string) =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: ${name} }
spec: { mode: enforce, match: { rules: { names: [${rule}] } }, ladder: ${ladder} }\n`

const files = {
  'a.yaml': policy(
    'freeze-it',
    'Drop and execute',
    '[{ name: keep, do: [capture_snapshot] }, { name: hold, do: [freeze], undo: { ttl: 30m } }]',
  ),
  'b.yaml': policy(
    'ask-first',
    'Reverse shell',
    '[{ name: stop, do: [{ kill_process: { scope: tree } }], approve: { reason: required, timeout: 15m } }]',
  ),
  'c.yaml': policy(
    'watch',
    'Read sensitive file untrusted',
    '[{ name: strike, do: [kill_process] }]',
  ).replace('enforce', 'audit'),
}

const hostile =
  '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
const id = (digit: string) => digit.repeat(32)

let sample: Sample
let node: SampleNode
let browser: Browser
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  if (!existsSync(executablePath)) return
  sample = await startSample(files)
  node = new SampleNode(sample)
  node.start(carryOut)
  const process = sampleAlert().process
  if (process === null) throw new Error('the sample has a process')
  const at = (pid: number) => ({ ...process, pid, name: 'bash', exePath: '/bin/bash' })
  const now = new Date().toISOString()
  await node.alerts(
    sampleAlert({
      id: id('1'),
      time: now,
      output: `Sensitive file opened | file=/etc/shadow command=cat ${hostile}`,
    }),
    sampleAlert({
      id: id('2'),
      time: now,
      rule: 'Drop and execute',
      process: at(900),
      output: `Program started from a temporary directory | exe=/tmp/${'long-name-'.repeat(30)}`,
    }),
    sampleAlert({
      id: id('3'),
      time: now,
      rule: 'Reverse shell',
      priority: 'Critical',
      process: at(901),
    }),
    sampleAlert({ id: id('4'), time: now, rule: 'Log files cleared' }),
  )
  await until(async () => (await sample.call('GET', '/v1/approvals')).body.approvals[0])
  await until(async () => (await sample.call('GET', '/v1/containments')).body.containments[0])
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  page = await browser.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
}, 60_000)

afterAll(async () => {
  if (!existsSync(executablePath)) return
  await browser?.close()
  await node?.[Symbol.asyncDispose]()
  await sample?.[Symbol.asyncDispose]()
})

const verbs: Readonly<Record<string, string>> = { freeze: 'freeze', capture_snapshot: 'capture' }

const carryOut = async ({ id: stepId, operation, action, process }: Verdict) => {
  if (action === 'capture_snapshot' && operation === 'run')
    await node.handOver(stepId, `maps of ${'long '.repeat(20)}.txt`, 'maps')
  return {
    status: operation === 'plan' ? 'planned' : 'done',
    detail: `${verbs[action] ?? 'kill'} 2 processes: bash (${process?.pid ?? 0}), nc (813) ${hostile}`,
  } as const
}

const logIn = async () => {
  const { body } = await sample.call('POST', '/v1/login-codes', {})
  await page.goto(body.url)
  await page.waitForSelector('#alerts .card')
}

onChromium(`without a session the page asks to log in${why}`, async () => {
  await page.goto(sample.responder.url)
  await page.waitForURL('**/login')
  expect(await page.textContent('main')).toMatch('riposte login')
  // The browser itself says that the API answered 401.
  expect(complaints.splice(0).every((text) => text.includes('401'))).toBe(true)
})

onChromium(
  `the link of riposte login opens the page once, and leaves no code in the address${why}`,
  async () => {
    await logIn()
    expect(new URL(page.url()).hash).toBe('')
    expect(await page.textContent('#state')).toMatch(/healthy · 1 node · /)
  },
)

onChromium(
  `it shows what waits, what is contained, and what was decided; attackers' text stays text${why}`,
  async () => {
    expect(await page.textContent('#approvals')).toMatch(
      'kill_process: kill 2 processes: bash (901)',
    )
    expect(await page.textContent('#containments')).toMatch(
      /freeze: freeze 2 processes.*undone in (29|30) min/,
    )
    const alerts = (await page.textContent('#alerts')) ?? ''
    expect(alerts).toMatch('audit: would kill 2 processes')
    expect(alerts).toMatch('No policy selects it.')
    expect(alerts).toContain(hostile)
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('(1) Riposte')
  },
)

onChromium(`what is kept of a case is listed where it is opened, to be saved${why}`, async () => {
  for (const section of ['#containments', '#alerts'])
    await page.locator(`${section} summary`, { hasText: 'Evidence' }).first().click()
  await page.locator('#containments .files a').first().waitFor()
  const links = page.locator('#alerts .files a')
  await links.first().waitFor()
  expect(await links.allTextContents()).toEqual([
    expect.stringMatching(/^maps_of_long/),
    'manifest.json',
  ])
  expect(await page.textContent('#alerts .files')).toContain(' 4 B sha256 ')
  const saving = page.waitForEvent('download')
  await links.first().click()
  const saved = await saving
  expect(saved.suggestedFilename()).toMatch(/^maps_of_long/)
  expect(await readFile(await saved.path(), 'utf8')).toBe('maps')
})

onChromium(
  `nothing is cut off or scrolls sideways, from 320 to 1280 pixels, dark and light${why}`,
  async () => {
    for (const width of [320, 1280])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.emulateMedia({ colorScheme })
        const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(excess).toBeLessThanOrEqual(0)
        if (pictures !== undefined)
          await page.screenshot({ path: `${pictures}/${width}-${colorScheme}.png`, fullPage: true })
      }
  },
)

onChromium(`a decision is made by keyboard alone, and a missing reason is said${why}`, async () => {
  await page.locator('#approvals button', { hasText: 'Approve' }).focus()
  await page.keyboard.press('Enter')
  expect(await page.evaluate('document.activeElement.id')).toBe('dialog-reason')
  expect(await page.locator('#dialog-by').isVisible()).toBe(false)
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/dialog.png` })
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(await page.locator('#dialog').evaluate((dialog: { open?: boolean }) => dialog.open)).toBe(
    true,
  )
  await page.locator('#dialog-reason').focus()
  await page.keyboard.type('it is the one we saw')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#approvals-empty:not([hidden])')
  await until(() =>
    node.verdicts.find(({ action, operation }) => action === 'kill_process' && operation === 'run'),
  )
  const { body } = await sample.call('GET', '/v1/approvals?status=approved')
  expect(body.approvals[0].votes[0]).toMatchObject({
    reason: 'it is the one we saw',
    channel: 'web',
  })
})

onChromium(`a containment is extended and undone from the page${why}`, async () => {
  await page.locator('#containments button', { hasText: 'Extend' }).click()
  await page.locator('#dialog-do').click()
  await page.locator('#containments', { hasText: 'undone in 2 h' }).waitFor()
  await page.locator('#containments button', { hasText: 'Undo' }).click()
  await page.locator('#dialog-do').click()
  await page.waitForSelector('#containments-empty:not([hidden])')
  expect(node.verdicts.at(-1)).toMatchObject({ action: 'freeze', operation: 'undo' })
})

onChromium(
  `the kill switch shows on the page, and nothing of all this broke a policy of the browser${why}`,
  async () => {
    await sample.call('POST', '/v1/kill-switch', { isOn: true, reason: 'drill' })
    await page.waitForSelector('#banner .stopped')
    expect(await page.textContent('#banner')).toMatch('nothing is carried out: turned on by')
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/kill-switch.png` })
    expect(complaints).toEqual([])
  },
)
