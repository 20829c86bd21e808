/** The JSON of its own that a runtime adds to a verbose status: not part of the interface, so every part may be missing. */

/** A value below `path`, or undefined where the way to it ends. */
export function within(value: unknown, ...path: readonly string[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Object.entries(found).find(([name]) => name === step)?.[1]
  }
  return found
}

export const textWithin = (value: unknown, ...path: readonly string[]): string => {
  const found = within(value, ...path)
  return typeof found === 'string' ? found : ''
}

/** `info.info` of containerd and CRI-O. */
export function parseInfo(info: Readonly<Record<string, string>>): unknown {
  const text = info['info']
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

/** containerd has it in the container's configuration, CRI-O at the top. */
export function isPrivileged(info: unknown): boolean {
  const places = [
    ['runtimeSpec', 'linux', 'security_context', 'privileged'],
    ['config', 'linux', 'security_context', 'privileged'],
    ['privileged'],
  ]
  const found = places.map((path) => within(info, ...path))
  return found.find((value) => typeof value === 'boolean') ?? false
}

/** Falco cuts it there. */
const MAX_CNI = 4096

/** The interfaces that CNI made, but for loopback and the host's end (falco-compat 3.2, container plugin). */
export function cniResultOf(sandboxInfo: unknown): string {
  const interfaces = within(sandboxInfo, 'cniResult', 'Interfaces')
  if (typeof interfaces === 'object' && interfaces !== null) {
    const told = Object.entries(interfaces).filter(
      ([name]) => name !== 'lo' && !name.startsWith('veth'),
    )
    return JSON.stringify(Object.fromEntries(told)).slice(0, MAX_CNI)
  }
  const annotation = textWithin(
    sandboxInfo,
    'runtimeSpec',
    'annotations',
    'io.kubernetes.cri-o.CNIResult',
  )
  return annotation.slice(0, MAX_CNI)
}

/** The container's pod, which its status leaves to the runtime's own words. */
export const sandboxIdOf = (info: unknown): string =>
  [
    textWithin(info, 'sandboxID'),
    textWithin(info, 'runtimeSpec', 'annotations', 'io.kubernetes.cri.sandbox-id'),
    textWithin(info, 'runtimeSpec', 'annotations', 'io.kubernetes.cri-o.SandboxID'),
  ].find((text) => text !== '') ?? ''
