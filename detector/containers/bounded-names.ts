/** Labels and annotations are their owner's to choose, so they are bounded: what is kept of one object. */
const NAMES_BYTES = 16 * 1024

/** A copy of the whole object, as large as that. */
const COPY_OF_OBJECT = 'kubectl.kubernetes.io/last-applied-configuration'

export interface Named {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Labels go first: selectors need them, annotations are told for people. */
export function boundedNames({ labels, annotations }: Named): Named {
  let left = NAMES_BYTES
  const bounded = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(names).filter(([name, value]) => {
        if (name === COPY_OF_OBJECT) return false
        const bytes = Buffer.byteLength(name) + Buffer.byteLength(value)
        if (bytes > left) return false
        left -= bytes
        return true
      }),
    )
  return { labels: bounded(labels), annotations: bounded(annotations) }
}
