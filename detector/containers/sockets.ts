/** Which sockets are asked: Falco's defaults (falco-compat 3.2, container plugin) or those of the configuration. */
import { existsSync } from 'node:fs'
import type { Runtime } from './runtime.ts'

/** falco.yaml's container_engines, as its plugin takes it. */
export interface Engines {
  readonly cri: Engine
  readonly containerd: Engine
  readonly docker: Engine
  readonly podman: Engine
}

interface Engine {
  readonly enabled: boolean
  readonly sockets: readonly string[]
}

export const defaultSockets = {
  cri: ['/run/containerd/containerd.sock', '/run/crio/crio.sock', '/run/k3s/containerd/containerd.sock'],
  containerd: ['/run/host-containerd/containerd.sock'],
  docker: ['/var/run/docker.sock'],
  podman: ['/run/podman/podman.sock'],
} as const // prettier-ignore

export interface Candidate {
  readonly path: string
  readonly open: () => Promise<Runtime>
}

/** The libraries are loaded with the first socket that wants them. */
export function candidates(engines: Engines, hostRoot: string): Candidate[] {
  const paths = (...names: readonly (keyof Engines)[]) => [
    ...new Set(
      names.flatMap((name) =>
        engines[name].enabled ? engines[name].sockets.map((path) => hostRoot + path) : [],
      ),
    ),
  ]
  return [
    ...paths('cri', 'containerd').map((path) => ({
      path,
      open: async () => {
        const { CriRuntime } = await import('./cri/cri-runtime.ts')
        return new CriRuntime(path)
      },
    })),
    ...paths('docker').map((path) => ({ path, open: () => openDocker('docker', path) })),
    ...paths('podman').map((path) => ({ path, open: () => openDocker('podman', path) })),
  ]
}

async function openDocker(kind: 'docker' | 'podman', path: string): Promise<Runtime> {
  const { DockerRuntime } = await import('./docker/docker-runtime.ts')
  return new DockerRuntime(kind, path)
}

export const isThere = ({ path }: Candidate): boolean => existsSync(path)
