import { expect, test } from '@jest/globals'
import { assert, constantFrom, property, uint8Array } from 'fast-check'
import ipaddr from 'ipaddr.js'
import { decodeSocket } from './read-record.ts'
import { socketFrom } from './socket-bytes.ts'

test('any bytes of a socket are read as the plain reading has them', () => {
  const address = uint8Array({ minLength: 16, maxLength: 16 })
  assert(
    property(
      constantFrom(1, 2, 10, 7),
      constantFrom(0, 1, 6, 17, 58, 255, 99),
      constantFrom(0, 1, 2, 3),
      address,
      address,
      uint8Array({ maxLength: 30 }),
      (family, protocol, role, local, remote, path) => {
        const ports = [0x67, 0x12, 0xbb, 0x01]
        const bytes = Uint8Array.of(
          family,
          protocol,
          role,
          0,
          ...ports,
          ...local,
          ...remote,
          ...path,
        )
        const padded = Uint8Array.of(9, 9, 9, 9, ...bytes, 9)
        expect(socketFrom(padded, 4, bytes.length)).toEqual(decodeSocket(bytes))
      },
    ),
  )
})

test.each(['::', '::ffff:10.0.0.1', 'fe80::1', '2001:db8::42'])('the address %s, too', (text) => {
  const address = ipaddr.parse(text).toByteArray()
  const bytes = Uint8Array.of(10, 6, 1, 0, 0, 0, 0, 0, ...address, ...address)
  expect(socketFrom(bytes, 0, bytes.length)).toEqual(decodeSocket(bytes))
})
