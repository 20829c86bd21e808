/** In which pods the kernel may strike: it knows cgroups, and of what namespace they are only user space can tell. */
import type { Pod } from '../../contract/kubernetes.ts'
import { isProtectedPod, noPods, type ProtectedPods } from '../../contract/protected-pods.ts'
import type { BpfObject } from '../native.ts'
import { variablesOf } from './kernel-tables.ts'

interface ToldPod {
  readonly pod: Pod
  readonly cgroupId: bigint
}

const FREE = 1
const SPARED = 2

export class StruckPods {
  #object: BpfObject | undefined
  #protected: ProtectedPods = noPods
  /** By the UID in the cgroup's name. */
  readonly #pods = new Map<string, ToldPod>()
  #isInKubernetes = false

  bind(object: BpfObject): void {
    this.#object = object
    this.#writeAll()
  }

  protect(pods: ProtectedPods): void {
    this.#protected = pods
    this.#writeAll()
  }

  /** From here on a container that nobody told of is not struck: it may be of a pod that is protected. */
  expectPods(): void {
    if (this.#isInKubernetes) return
    this.#isInKubernetes = true
    this.#await()
  }

  tell(uid: string, told: ToldPod): void {
    const before = this.#pods.get(uid)
    if (before !== undefined && before.cgroupId !== told.cgroupId) this.forget(uid)
    this.#pods.set(uid, told)
    this.#write(told)
  }

  forget(uid: string): void {
    const told = this.#pods.get(uid)
    this.#pods.delete(uid)
    if (told !== undefined) this.#object?.delete('judge_pods', u64(told.cgroupId))
  }

  #writeAll(): void {
    for (const told of this.#pods.values()) this.#write(told)
    if (this.#isInKubernetes) this.#await()
  }

  #await(): void {
    if (this.#object !== undefined) variablesOf(this.#object).words('judge_awaits_pods')[0] = 1
  }

  #write({ pod, cgroupId }: ToldPod): void {
    const state = isProtectedPod(this.#protected, pod) ? SPARED : FREE
    this.#object?.update('judge_pods', u64(cgroupId), Uint8Array.of(state))
  }
}

const u64 = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer)
