/** Asks again until the answer satisfies; the last answer is in the error. For states that no event announces. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isEnough: (answer: T) => boolean,
  patienceMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isEnough(answer)) return answer
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`)
    await new Promise((resume) => setTimeout(resume, 50))
  }
}
