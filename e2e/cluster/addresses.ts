/** The addresses of a run: every slot has its own, so that clusters stand side by side. */

/** How many clusters a machine can hold at once. */
export const slots = 64
/** Node addresses begin here: 10.200.<slot>.11. */
const firstNode = 11

export interface Addresses {
  /** The host's end of the link to the cluster. */
  readonly host: string
  readonly controlPlane: string
  readonly podCidr: string
  readonly serviceCidr: string
  /** The Service kubernetes.default. */
  readonly apiService: string
  /** The Service kube-dns. */
  readonly dnsService: string
  /** Nodes count from 1. */
  readonly node: (index: number) => string
  readonly podCidrOf: (index: number) => string
}

export function addressesOf(slot: number): Addresses {
  const nodes = `10.200.${slot}`
  const services = `10.202.${slot * 4}`
  return {
    host: `${nodes}.1`,
    controlPlane: `${nodes}.2`,
    podCidr: `10.201.${slot * 4}.0/22`,
    serviceCidr: `${services}.0/22`,
    apiService: `${services}.1`,
    dnsService: `${services}.10`,
    node: (index) => `${nodes}.${firstNode + index - 1}`,
    podCidrOf: (index) => `10.201.${slot * 4 + index}.0/24`,
  }
}
