/** Lists what was skipped with its reason (it stands in the title) and closes with the plain count. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((file) =>
      file.testResults.filter(({ status }) => status === 'pending').map(({ fullName }) => fullName),
    )
    for (const title of skipped) console.log(`skipped: ${title}`)
    const broken = results.numRuntimeErrorTestSuites
    console.log(
      `\n${results.numPassedTests} passed, ${results.numFailedTests + broken} failed, ${skipped.length} skipped`,
    )
  }
}
