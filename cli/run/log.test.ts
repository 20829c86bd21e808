import { expect, test } from '@jest/globals'
import { plainLog } from './log.ts'

function said(write: (log: ReturnType<typeof plainLog>) => void): readonly string[] {
  const lines: string[] = []
  write(
    plainLog('info', (line) => {
      lines.push(line)
    }),
  )
  return lines
}

test('on a terminal the log is sentences, with the details behind them', () => {
  expect(
    said((log) => {
      log.info('told')
      log.warn({ rule: 'Reverse shell', count: 2 }, 'many alerts')
      log.debug('not asked for')
    }),
  ).toEqual(['responder: told', 'responder: warning: many alerts rule=Reverse shell count=2'])
})

test('what an attacker named cannot steer the terminal', () => {
  const [line] = said((log) => {
    log.error({ process: '\u001B[2Jevil\nline' }, 'killed')
  })
  expect(line).toBe('responder: error: killed process=\uFFFD[2Jevil\uFFFDline')
})
