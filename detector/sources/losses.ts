/** Records that found their ring full, by class and by whose cgroup. Looking costs no system call. */
import { type RecordClass, recordClasses } from '../events/schema.ts'
import type { BpfObject } from '../native.ts'

export interface Loss {
  readonly class: RecordClass
  /** New since the last telling, and since start. */
  readonly count: number
  readonly total: number
  /** Who lost most since start, as far as the kernel's bounded table remembers: at most ten. */
  readonly cgroups: readonly { readonly cgroupId: bigint; readonly count: number }[]
}

export interface Losses {
  check(): void
  counts(): Record<RecordClass, number>
}

export function createLosses(object: BpfObject, onLost: (loss: Loss) => void): Losses {
  const variable = object.variables()['lost']
  if (variable === undefined) throw new Error('riposte.bpf.o counts no losses: run make')
  const counters = new BigUint64Array(
    object.memory(variable.map),
    variable.offset,
    recordClasses.length,
  )
  const told = new BigUint64Array(recordClasses.length)

  function check(): void {
    for (const [index, name] of recordClasses.entries()) {
      const total = counters[index] ?? 0n
      const before = told[index] ?? 0n
      if (total === before) continue
      told[index] = total
      const cgroups = losersOf(object, index)
      onLost({ class: name, count: Number(total - before), total: Number(total), cgroups })
    }
  }

  const at = (index: number) => Number(counters[index] ?? 0n)
  return { check, counts: () => ({ process: at(0), file: at(1), network: at(2) }) }
}

const MOST_LOSERS = 10

function losersOf(object: BpfObject, recordClass: number): Loss['cgroups'] {
  const found: { cgroupId: bigint; count: number }[] = []
  let key = object.nextKey('lost_by_cgroup')
  for (let walked = 0; key !== undefined && walked < 1024; walked++) {
    const [cgroupId = 0n, of = 0n] = new BigUint64Array(key.buffer)
    const value = object.lookup('lost_by_cgroup', key)
    const [count = 0n] = value === undefined ? [] : new BigUint64Array(value.buffer)
    if (Number(of) === recordClass) found.push({ cgroupId, count: Number(count) })
    key = object.nextKey('lost_by_cgroup', key)
  }
  return found.toSorted((a, b) => b.count - a.count).slice(0, MOST_LOSERS)
}
