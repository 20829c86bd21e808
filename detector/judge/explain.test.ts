import { expect, test } from '@jest/globals'
import { parseCondition } from '../../contract/condition/parser.ts'
import { explainFilter } from './explain.ts'

const rule = (name: string, text: string) => {
  const parsed = parseCondition(text)
  if ('problem' in parsed) throw new Error(parsed.problem.message)
  return { name, condition: parsed.node }
}

test('the explanation says what each rule needs, and which rule makes everything come up', () => {
  const rules = [
    rule('shadow', 'evt.type = openat and fd.name = /etc/shadow and not proc.name = sshd'),
    rule('hosts', 'evt.type = openat and fd.name = /etc/hosts'),
    rule('talk', 'evt.type = connect and fd.sip = 10.0.0.1'),
  ]
  expect(explainFilter(rules, ['openat', 'connect', 'dup'])).toEqual([
    {
      eventName: 'openat',
      isEverythingKept: false,
      clauses: ['path in path /etc/hosts, path /etc/shadow'],
      rules: [
        { rule: 'shadow', clauses: ['path in path /etc/shadow'], unknowns: [] },
        { rule: 'hosts', clauses: ['path in path /etc/hosts'], unknowns: [] },
      ],
    },
    {
      eventName: 'connect',
      isEverythingKept: true,
      clauses: ['always'],
      rules: [
        { rule: 'talk', clauses: ['always'], unknowns: ['fd.sip is not known in the kernel'] },
      ],
    },
  ])
})
