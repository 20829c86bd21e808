import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { needs } from '../../../scripts/needs.ts'

const test = needs('protoc')
const root = join(import.meta.dirname, '../../..')

test('the committed messages are what protoc makes of the .proto files', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'riposte-proto-'))
  execFileSync('bash', [join(root, 'scripts/generate-cri.sh'), fresh])
  for (const folder of ['cri', 'testing']) {
    const committed = join(root, 'detector/containers', folder, 'generated')
    const names = readdirSync(committed)
    expect(readdirSync(join(fresh, folder))).toEqual(names)
    for (const name of names)
      expect(readFileSync(join(fresh, folder, name), 'utf8')).toBe(
        readFileSync(join(committed, name), 'utf8'),
      )
  }
  rmSync(fresh, { recursive: true })
})
