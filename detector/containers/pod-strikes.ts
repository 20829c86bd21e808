/** Tells the kernel's judge of each pod on this node by the pod's cgroup, which is there before its first program runs. */
import { basename, dirname } from 'node:path'
import type { Pod } from '../../contract/kubernetes.ts'
import type { StruckPods } from '../judge/struck-pods.ts'
import { cgroupId, childrenOf } from '../verdicts/cgroups.ts'
import { isPodNamed, plainUid } from '../verdicts/place-cgroup.ts'

export interface PodStrikesOptions {
  /** The scope's directory in the unified tree; undefined where there is none: then nobody in a container is struck. */
  readonly root: string | undefined
  readonly pods: StruckPods
}

export class PodStrikes {
  readonly #options: PodStrikesOptions
  readonly #directories = new Map<string, string>()
  /** Where pods were found: the next one is there too. */
  readonly #parents = new Set<string>()

  constructor(options: PodStrikesOptions) {
    this.#options = options
  }

  /** This is a node of Kubernetes. */
  expect(): void {
    this.#options.pods.expectPods()
  }

  /** `uid` as the cgroup names it: of a static pod, its config hash. */
  tell(uid: string, pod: Pod): void {
    this.expect()
    const directory = this.#directories.get(uid) ?? this.#find(uid)
    const id = directory === undefined ? undefined : cgroupId(directory)
    if (directory === undefined || id === undefined) return
    this.#directories.set(uid, directory)
    this.#parents.add(dirname(directory))
    this.#options.pods.tell(uid, { pod, cgroupId: BigInt(id) })
  }

  /** Pods that are gone. */
  sweep(): void {
    for (const [uid, directory] of this.#directories)
      if (cgroupId(directory) === undefined) {
        this.#directories.delete(uid)
        this.#options.pods.forget(uid)
      }
  }

  #find(uid: string): string | undefined {
    const { root } = this.#options
    if (root === undefined) return undefined
    const plain = [plainUid(uid)]
    const pending = [...this.#parents, root]
    for (const directory of pending)
      for (const child of childrenOf(directory)) {
        if (isPodNamed(basename(child), plain)) return child
        if (!isPod.test(basename(child)) && !this.#parents.has(child)) pending.push(child)
      }
    return undefined
  }
}

/** Others' cgroups are not looked into. */
const isPod = /(?:^|-)pod[\da-f_-]{32,}/
