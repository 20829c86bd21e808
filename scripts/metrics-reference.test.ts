import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const sources = ['detector/metrics.ts', 'responder/metrics.ts', 'responder/node-metrics.ts']

/** `${falco}` is how the detector's file shortens Falco's prefix. */
const namesIn = (text: string) =>
  new Set(
    text
      .replaceAll('${falco}', 'falcosecurity_falco_')
      .match(/\b(?:riposte|falcosecurity)(?:_[a-z0-9]+){1,}\b/g)
      ?.filter((name) => name !== 'falcosecurity_falco'),
  )

test('the page names every metric that the programs print, and no other', () => {
  const printed = new Set(sources.flatMap((name) => [...namesIn(read(name))]))
  expect([...namesIn(read('docs/reference/metrics.md'))].toSorted()).toEqual(
    [...printed].toSorted(),
  )
})
