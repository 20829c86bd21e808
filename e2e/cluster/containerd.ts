/** A node's containerd, with everything it keeps where a real node has it: /run/containerd, /var/lib/containerd. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import { containerdConfig } from '../../detector/containers/testing/containerd-config.ts'
import { Daemon, type Place } from './daemon.ts'
import { references } from './images.ts'

const cniFolder = '/var/lib/cni/net.d'

/**
 * @param folder stands for the node's `/`: run, var/lib and var/log of it are the node's
 * @param podCidr of this node
 */
export async function startContainerd(
  folder: string,
  podCidr: string,
  place: Place,
): Promise<Daemon> {
  for (const part of ['run/netns', 'var/lib/kubelet', join('.', cniFolder), 'var/log/pods'])
    await mkdir(join(folder, part), { recursive: true })
  await writeFile(join(folder, cniFolder, '10-riposte.conflist'), cniConfig(podCidr))
  const configFile = join(folder, 'containerd.toml')
  const config = containerdConfig({
    root: '/var/lib/containerd',
    state: '/run/containerd',
    socket: '/run/containerd/containerd.sock',
    cniFolder,
    pauseImage: references.pause,
    snapshotter: await snapshotterFor(folder),
  })
  await writeFile(configFile, config)
  const daemon = new Daemon('containerd', 'containerd', ['--config', configFile], {
    ...place,
    mounts: `own:${folder}`,
  })
  await daemon.until('answering', () => isAnswering(folder))
  return daemon
}

export const containerdSocket = (folder: string) => join(folder, 'run/containerd/containerd.sock')

export async function importImage(folder: string, archive: string): Promise<void> {
  await ctr(folder, '--namespace', 'k8s.io', 'images', 'import', archive)
}

const ctr = (folder: string, ...args: readonly string[]) =>
  must('ctr', ['--address', containerdSocket(folder), ...args])

async function isAnswering(folder: string): Promise<boolean> {
  try {
    await ctr(folder, 'version')
    return true
  } catch {
    // Not listening yet: the daemon's own end is noticed by who asks.
    return false
  }
}

/** An overlay cannot lie on an overlay, as inside a container. */
async function snapshotterFor(folder: string): Promise<string> {
  const type = await must('stat', ['--file-system', '--format=%T', folder])
  return type.trim() === 'overlayfs' ? 'native' : 'overlayfs'
}

const cniConfig = (subnet: string) =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'riposte',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  })
