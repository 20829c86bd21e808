/** What a cluster that did not come up has to say, read before it is swept. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const linesOfEach = 4
/** klog's errors and fatal errors, and what else calls itself so. */
const isComplaint = (line: string) =>
  /^[EF]\d{4} |level=(?:error|fatal)|panic:|\berror:/i.test(line)

/** The last complaints in each component's log below the run's folder, a paragraph each. */
export async function evidenceIn(folder: string): Promise<string> {
  const paragraphs: string[] = []
  for (const part of await readdir(folder)) {
    const logs = join(folder, part, 'logs')
    for (const name of await readdir(logs)) {
      const lines = (await readFile(join(logs, name), 'utf8')).split('\n').filter(isComplaint)
      if (lines.length === 0) continue
      const last = lines.slice(-linesOfEach).map((line) => `  ${line.slice(0, 400)}`)
      paragraphs.push([`${part}/${name}:`, ...last].join('\n'))
    }
  }
  return paragraphs.join('\n')
}
