/** Every process that already runs, as the kernel's task iterator tells it: one exec record each, marked `scanned`. */
import { memoryOf } from '../events/memory.ts'
import type { RecordView } from '../events/record-view.ts'
import { header, HEADER_BYTES } from '../events/schema.ts'
import { type BpfObject, isBpfFailure, openReader } from '../native.ts'
import { type KernelScope, scopeVariables } from './attach.ts'

/** False where the kernel cannot (before 5.18): /proc is read then (state/learn.ts). */
export function scanTasks(
  view: RecordView,
  deliver: (view: RecordView) => void,
  scope: KernelScope,
): boolean {
  const bytes = readTasks(scope)
  if (bytes === undefined) return false
  // Copied to where every record lies on eight bytes, as in a ring.
  const memory = memoryOf(bytes.slice().buffer)
  let at = 0
  while (at + HEADER_BYTES <= bytes.length) {
    view.point(memory, at)
    deliver(view)
    at += Math.max(HEADER_BYTES, memory.words[(at + header.length) >> 2] ?? 0)
  }
  return true
}

function readTasks(scope: KernelScope): Uint8Array<ArrayBuffer> | undefined {
  let object: BpfObject | undefined
  try {
    object = openReader('scan', { variables: scopeVariables(scope) })
    return Uint8Array.from(object.iterate('scan_task'))
  } catch (error) {
    if (isBpfFailure(error)) return undefined
    throw error
  } finally {
    object?.close()
  }
}
