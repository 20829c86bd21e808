/** Strikes in the kernel's table of orders: what to do, how often, and what came of it. */
import type { BpfObject } from '../native.ts'
import { u32 } from './kernel-tables.ts'
import type { Strike } from './strikes.ts'

/** Bits of a record's header. */
export const MAX_STRIKES = 64

const ORDER_BYTES = 64
const modes = { off: 0, audit: 1, enforce: 2 } as const

export interface OrderCounts {
  readonly killed: bigint
  readonly would: bigint
  readonly guarded: bigint
  /** Strikes that the fuse had stopped; they are among `would`. */
  readonly blown: bigint
}

const place = (half: number, strike: number) => u32(half * MAX_STRIKES + strike)

export function writeOrder(
  object: BpfObject,
  half: number,
  index: number,
  strike: Strike | undefined,
  mode: keyof typeof modes,
): void {
  const view = new DataView(new ArrayBuffer(ORDER_BYTES))
  view.setUint32(0, modes[mode], true)
  view.setUint32(4, strike?.order.fuse.max ?? 0, true)
  view.setBigUint64(8, BigInt(strike?.order.fuse.perMs ?? 0) * 1_000_000n, true)
  object.update('judge_orders', place(half, index), new Uint8Array(view.buffer))
}

/** Changes the mode only: what was counted stays. */
export function setMode(
  object: BpfObject,
  half: number,
  index: number,
  mode: keyof typeof modes,
): void {
  const bytes = object.lookup('judge_orders', place(half, index))
  if (bytes === undefined) return
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, modes[mode], true)
  object.update('judge_orders', place(half, index), bytes)
}

export function readCounts(object: BpfObject, half: number, index: number): OrderCounts {
  const bytes = object.lookup('judge_orders', place(half, index)) ?? new Uint8Array(ORDER_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const at = (offset: number) => view.getBigUint64(offset, true)
  return { killed: at(32), would: at(40), guarded: at(48), blown: at(56) }
}
