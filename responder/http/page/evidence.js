/** What is kept of a case: looked up when somebody opens it, each file to be saved. */
const sizes = [' B', ' KiB', ' MiB', ' GiB']

function sizeOf(bytes) {
  const step = Math.min(sizes.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Number((bytes / 1024 ** step).toPrecision(3))}${sizes[step]}`
}

/** Whether an effect says that something of it was kept. */
export const isKept = (effect) =>
  typeof effect === 'object' &&
  effect !== null &&
  Object.entries(effect).some(([key, part]) => (key === 'evidence' ? part !== null : isKept(part)))

/** `make` and `call` are the page's own. */
export function evidenceOf(caseId, { make, call }) {
  const list = make('ul', 'files')
  const element = make('details', 'evidence', [make('summary', '', 'Evidence'), list])
  const fileItem = (stepId) => (file) => {
    const link = make('a', '', file.name)
    link.href = `/v1/evidence/${encodeURIComponent(stepId)}/${encodeURIComponent(file.name)}`
    link.download = file.name
    const size = file.bytes === undefined ? '' : ` ${sizeOf(file.bytes)}`
    const digest = make('span', 'digest', `${size} sha256 ${file.sha256.slice(0, 16)}…`)
    digest.title = file.sha256
    return make('li', '', [link, digest])
  }
  const show = async () => {
    const { evidence } = await call('GET', `/v1/evidence?case=${encodeURIComponent(caseId)}`)
    const items = evidence.flatMap(({ stepId, files, manifestSha256: sha256 }) =>
      [...files, { name: 'manifest.json', sha256 }].map(fileItem(stepId)),
    )
    list.replaceChildren(...(items.length > 0 ? items : [make('li', '', 'Nothing is kept.')]))
  }
  element.addEventListener('toggle', () => {
    if (!element.open) return
    list.replaceChildren(make('li', '', 'Looking'))
    show().catch((error) => list.replaceChildren(make('li', 'failed', error.message)))
  })
  return element
}
