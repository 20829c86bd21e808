/** Programs run to their end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface CommandOptions {
  /** What the program reads on its standard input. */
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** What a program printed; throws what it complained about when it does not end with 0. */
export async function must(
  file: string,
  args: readonly string[],
  { input, env, cwd }: CommandOptions = {},
): Promise<string> {
  const child = spawn(file, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  // A program may end without having read everything: its exit code is what counts.
  child.stdin?.on('error', () => undefined).end(input)
  await once(child, 'close')
  if (child.exitCode === 0) return output.stdout
  const how = child.signalCode ?? `exit ${child.exitCode}`
  throw new Error(`${file} ${args.join(' ')}: ${how}\n${output.stderr}${output.stdout}`)
}
