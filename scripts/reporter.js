import { writeFileSync } from 'node:fs'

/** Leaves the list of what was skipped (the reason stands in the title) and the plain closing line for test.sh. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((file) =>
      file.testResults.filter(({ status }) => status === 'pending').map(({ fullName }) => fullName),
    )
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const lines = [
      ...skipped.map((title) => `skipped: ${title}`),
      `${results.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped`,
    ]
    const file = process.env.RIPOSTE_TEST_RESULT
    if (file) writeFileSync(file, `${lines.join('\n')}\n`)
    else console.log(lines.join('\n'))
  }
}
