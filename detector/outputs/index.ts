/** The list of outputs. */
import { file } from './file.ts'
import { http } from './http.ts'
import type { OutputKind } from './output.ts'
import { program } from './program.ts'
import { stderr } from './stderr.ts'
import { stdout } from './stdout.ts'
import { syslog } from './syslog.ts'

export const outputKinds: readonly OutputKind[] = [stdout, stderr, file, syslog, program, http]
