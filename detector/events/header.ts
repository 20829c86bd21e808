/** Prints bpf/schema.h from the event table; `node detector/events/header.ts > bpf/schema.h`, held by header.test.ts. */
import { events, header, HEADER_BYTES, recordClasses, recordFlags } from './schema.ts'
import { SOCKET_LAYOUT } from './view.ts'

const constant = (name: string) => name.replaceAll(/([A-Z])/g, '_$1').toUpperCase()

const defines = (prefix: string, entries: readonly (readonly [string, number])[]) =>
  entries.map(([name, value]) => `#define ${prefix}_${constant(name)} ${value}`)

export function schemaHeader(): string {
  const lines = [
    '/* Printed by detector/events/header.ts from schema.ts; change that, then print this again. */',
    '#pragma once',
    `#define HEADER_BYTES ${HEADER_BYTES}`,
    ...defines('AT', Object.entries(header)),
    ...defines('RECORD', Object.entries(recordFlags)),
    ...defines('SOCKET', Object.entries(SOCKET_LAYOUT)),
    `#define CLASSES ${recordClasses.length}`,
    ...defines(
      'CLASS',
      recordClasses.map((name, index) => [name, index] as const),
    ),
    '',
    '/* An event: its number, its class and how many slots its parameters take. */',
    ...events.flatMap((event, index) => [
      `#define EVENT_${constant(event.name)} ${index}`,
      `#define CLASS_OF_${constant(event.name)} CLASS_${constant(event.class)}`,
      `#define SLOTS_OF_${constant(event.name)} ${event.parameters.length}`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}

if (import.meta.main) process.stdout.write(schemaHeader())
