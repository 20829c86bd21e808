import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { foldedGlobMatcher, globMatcher } from './glob.ts'

test.each([
  ['/proc/*/environ', '/proc/1/environ', true],
  ['/proc/*/environ', '/proc/1/2/environ', true],
  ['/proc/*/environ', '/proc/environ', false],
  ['/a*a', '/a', false],
  ['*', '', true],
  ['*sh', 'bash', true],
  ['ba*', 'bash', true],
  ['*as*', 'bash', true],
  ['b?sh', 'bash', true],
  ['b?sh', 'bsh', false],
  ['[a-c]at', 'bat', true],
  ['[!a-c]at', 'bat', false],
  ['[^a-c]at', 'rat', true],
  ['[]x]', ']', true],
  ['[a', '[a', true],
  ['[[:digit:]x]1', '71', true],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['a**b*c', 'axxbyyc', true],
  ['a*b*c', 'axxc', false],
  ['', '', true],
])('%s on %s: %j', (pattern, text, expected) => {
  expect(globMatcher(pattern)(text)).toBe(expected)
})

test('folding ignores the case of ASCII letters on both sides', () => {
  expect(foldedGlobMatcher('B*H')('bAsh')).toBe(true)
  expect(foldedGlobMatcher('É')('é')).toBe(false)
})

/** A second, slower way: what a star takes is tried from nothing to everything. */
const slowly = (pattern: string, text: string): boolean => {
  if (pattern === '') return text === ''
  const rest = pattern.slice(1)
  if (pattern.startsWith('*'))
    return Array.from({ length: text.length + 1 }, (_none, taken) => taken).some((taken) =>
      slowly(rest, text.slice(taken)),
    )
  return (
    text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && slowly(rest, text.slice(1))
  )
}

test('a glob matches what trying everything finds', () => {
  const words = fc
    .array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 })
    .map((all) => all.join(''))
  const patterns = fc.array(fc.constantFrom('a', 'b', '/', '*', '?'), { maxLength: 6 }).map((all) => all.join('')) // prettier-ignore
  fc.assert(
    fc.property(patterns, words, (pattern, text) => {
      expect(globMatcher(pattern)(text)).toBe(slowly(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a hostile pattern does not take for ever', () => {
  expect(globMatcher(`${'a*'.repeat(50)}b`)('a'.repeat(5000))).toBe(false)
})
