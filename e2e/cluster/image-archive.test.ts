/** Images from folders. */
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { must } from './command.ts'
import { writeImage } from './image-archive.ts'

let scratch: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'riposte-image-test-'))
})
afterEach(() => rm(scratch, { recursive: true }))

const write = async (name: string, folder: string) =>
  await writeImage(join(scratch, name), {
    reference: 'riposte.test/same:1',
    layers: [{ folder }],
    config: { labels: { one: '1' } },
  })

test('the same files give the same bytes, whenever they were written', async () => {
  const [first, second] = [await folderWith('a'), await folderWith('a')]
  await utimes(join(second, 'file'), 1, 1)

  const images = [await write('1.tar', first), await write('2.tar', second)]

  expect(images[1]?.id).toBe(images[0]?.id)
  const [one, two] = await Promise.all(images.map(({ path }) => readFile(path)))
  expect(two?.equals(one ?? Buffer.of())).toBe(true)
})

test('another byte gives another image', async () => {
  const images = [
    await write('1.tar', await folderWith('a')),
    await write('2.tar', await folderWith('b')),
  ]

  expect(images[1]?.id).not.toBe(images[0]?.id)
})

test('its manifest names the configuration and the layers by their digests', async () => {
  const { path, id, layers } = await write('1.tar', await folderWith('a'))

  const manifest = await must('tar', ['-xOf', path, './manifest.json'])

  const digests = layers.map((layer) => `${layer.replace('sha256:', '')}/layer.tar`)
  expect(JSON.parse(manifest)).toEqual([
    {
      Config: `${id.replace('sha256:', '')}.json`,
      RepoTags: ['riposte.test/same:1'],
      Layers: digests,
    },
  ])
})

async function folderWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'layer-'))
  await writeFile(join(folder, 'file'), text)
  return folder
}
