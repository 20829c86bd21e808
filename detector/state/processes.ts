/** What is known of a process: from exec, clone and exit records, and from the start-up scan. */
export interface Process {
  pid: number
  startTimeNs: bigint
}
