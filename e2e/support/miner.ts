/** Something that every rule set knows as an attack, and that harms nobody. */
import type { Pod, Pods } from '../cluster/pods.ts'

/** Its own exit code says nothing. */
export async function startMiner({ exec }: Pick<Pods, 'exec'>, pod: Pod): Promise<void> {
  const script = 'ln -sf /bin/busybox /tmp/xmrig; /tmp/xmrig -o stratum+tcp://pool.example:3333'
  await exec(pod, 'sh', '-c', `{ ${script}; } >/dev/null 2>&1 || true`)
}
