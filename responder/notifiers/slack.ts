import { z } from 'zod'
import type { Message } from '../actions/action.ts'
import { notifier } from './notifier.ts'
import { plainText } from './plain-text.ts'
import { readSecret } from './secret.ts'

/** An incoming webhook of Slack (or of Mattermost, which takes the same). Its address is the secret, so it is in a file. */
export const slack = notifier({
  kind: 'slack',
  summary: "a message through Slack's incoming webhook",
  settings: z.strictObject({
    urlFile: z.string().startsWith('/').describe("file with the webhook's address"),
  }),
  open:
    ({ urlFile }, { outbound }) =>
    async ({ message }) =>
      outbound.post({
        url: await readSecret(urlFile),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(payloadOf(message)),
      }),
})

/** Slack takes 3,000, fences included. */
const SECTION = 2990

/** A header takes 150 characters. */
export function payloadOf({ title, text, severity, caseId, alert, link }: Message) {
  const head = plainText(`${severity}: ${title}`, 150).replaceAll('\n', ' ')
  return {
    // What a phone shows; it is read as mrkdwn.
    text: escaped(`${head} on ${alert.node}`),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: head, emoji: false } },
      { type: 'section', text: { type: 'mrkdwn', text: quoted(text), verbatim: true } },
      {
        type: 'context',
        elements: [
          {
            type: 'plain_text',
            text: plainText(`${alert.node} · case ${caseId}`, 300),
            emoji: false,
          },
        ],
      },
      ...(link === null
        ? []
        : [
            {
              type: 'actions',
              elements: [
                { type: 'button', text: { type: 'plain_text', text: 'Open the case' }, url: link },
              ],
            },
          ]),
    ],
  }
}

/** The three characters that begin a mention, a link or an entity. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** In a block of code nothing else means anything, and no backtick of an event can end it. */
const quoted = (text: string): string =>
  `\`\`\`${fitted(plainText(text, SECTION).replaceAll('`', 'ˋ'))}\`\`\``

/** As much as still fits once it is escaped; an entity is never cut. */
function fitted(text: string): string {
  let fit = ''
  for (const character of text) {
    const next = escaped(character)
    if (fit.length + next.length > SECTION) return `${fit}…`
    fit += next
  }
  return fit
}
