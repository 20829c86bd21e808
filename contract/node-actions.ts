/** Parameters of the actions that a node executes: the responder offers them, the node's detector parses them again. */
import { z } from 'zod'

export const addressSchema = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])

/** A port that stays reachable: everywhere, or only at the addresses in `to`. */
export const openPortSchema = z.strictObject({
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['tcp', 'udp', 'any']).default('any'),
  to: z.array(addressSchema).max(32).default([]),
})
export type OpenPort = z.infer<typeof openPortSchema>

/** A literal value, or `%field` for the value of a field that the alert carries; never a part of a text. */
const templated = z.string().min(1).max(4096)

/** Absolute path, or `%field`. */
const templatedPath = templated.regex(/^(\/|%)/, 'must be an absolute path or a %field')

export const snapshotParts = [
  'process_tree',
  'open_files',
  'sockets',
  'maps',
  'cgroups',
  'mounts',
  'environment',
  'executable',
] as const

export const podParts = [
  'process_tree',
  'open_files',
  'sockets',
  'environment',
  'mounts',
  'files',
  'packets',
] as const

export const nodeActionParameters = {
  kill_process: z.strictObject({
    scope: z
      .enum(['process', 'tree', 'session', 'container'])
      .default('process')
      .describe('process, tree (with its descendants), session, or container: all of it'),
    signal: z
      .enum(['KILL', 'TERM', 'INT', 'HUP', 'QUIT'])
      .default('KILL')
      .describe('signal sent; only KILL cannot be ignored'),
  }),
  freeze: z.strictObject({
    scope: z
      .enum(['process', 'tree', 'session', 'container', 'pod'])
      .default('tree')
      .describe('as for kill_process; container or pod: the whole cgroup'),
  }),
  block_network: z.strictObject({
    scope: z
      .enum(['tree', 'cgroup', 'container', 'pod'])
      .default('tree')
      .describe(
        'tree: the process and its descendants; cgroup: everything in its cgroup; container; pod: containers that start later too',
      ),
    allow: z
      .array(addressSchema)
      .max(32)
      .default([])
      .describe('addresses and networks that stay reachable, such as 10.0.0.53 or fd00::/8'),
    allowPorts: z
      .array(openPortSchema)
      .max(32)
      .default([])
      .describe('ports that stay reachable, everywhere or at the addresses in `to`'),
  }),
  quarantine_file: z.strictObject({
    path: templatedPath
      .default('%fd.name')
      .describe("the file as the process sees it: an absolute path or an alert's %field"),
  }),
  run_program: z.strictObject({
    argv: z
      .array(templated)
      .min(1)
      .max(64)
      .describe('program and arguments; an element that is a %field becomes its value'),
    env: z
      .record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), templated)
      .default({})
      .describe('name → value or %field; the program sees it as RIPOSTE_<name>'),
    timeoutMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(30_000)
      .describe('after it the program and its children are killed'),
  }),
  capture_snapshot: z.strictObject({
    include: z
      .array(z.enum(snapshotParts))
      .min(1)
      .default([...snapshotParts])
      .describe('the parts to take'),
    maxBytes: z
      .int()
      .min(4096)
      .max(1 << 30)
      .default(64 << 20)
      .describe('cap on the whole folder'),
  }),
  capture_pod: z.strictObject({
    include: z
      .array(z.enum(podParts))
      .min(1)
      .default([...podParts])
      .describe('the parts to take; files: what its containers changed in their own file systems'),
    maxBytes: z
      .int()
      .min(4096)
      .max(1 << 30)
      .default(128 << 20)
      .describe('cap on the whole folder'),
    packets: z
      .strictObject({
        seconds: z.int().min(1).max(60).default(10),
        maxBytes: z
          .int()
          .min(4096)
          .max(1 << 29)
          .default(32 << 20),
        snaplen: z.int().min(40).max(16_368).default(2032),
      })
      .prefault({})
      .describe('how long to listen, how much to keep in all and of each packet, in bytes'),
  }),
} as const

export type NodeActionName = keyof typeof nodeActionParameters
