/** Where CRI-O is unlike containerd; it cannot be installed here, so these are its ways as 1.34 was seen to have them. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { expect, test } from '@jest/globals'
import { openCri } from './client.ts'
import { containerFacts, withoutSandbox } from './facts.ts'
import { ContainerStatusResponseSchema } from './generated/runtime_pb.js'

test('a call has exactly the content type that CRI-O tells gRPC by', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-crio-'))
  const socket = join(folder, 'crio.sock')
  const types: unknown[] = []
  const server = createServer().on('stream', (stream, headers) => {
    types.push(headers['content-type'])
    stream.respond({ ':status': 415 }, { endStream: true })
  })
  await once(server.listen(socket), 'listening')
  const cri = openCri(socket)
  await expect(cri.calls.version({})).rejects.toThrow('415')
  expect(types).toEqual(['application/grpc'])
  cri.close()
  server.close()
  await once(server, 'close')
  rmSync(folder, { recursive: true })
})

test("an image's id is told with or without the name of its hash", () => {
  const id = '2888186b57077af506926e92103319934f54b58f06ddba713093504d426571a6'
  for (const imageId of [id, `sha256:${id}`]) {
    const answer = create(ContainerStatusResponseSchema, { status: { id: '1', imageId } })
    expect(containerFacts(answer, undefined, withoutSandbox, 'cri-o')?.imageId).toBe(id)
  }
})
