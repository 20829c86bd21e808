/** What can go wrong between a piece of evidence and where it is kept. */
import { WorldError } from '../errors.ts'

/** More than one step may keep; the remedy is the operator's. */
export class EvidenceTooBig extends WorldError {
  constructor(message: string) {
    super('evidence_too_big', message, false)
  }
}

/** What arrived is not what was announced: it was cut off or changed on its way. */
export class EvidenceDamaged extends WorldError {
  constructor(message: string) {
    super('evidence_damaged', message, true)
  }
}

/** The disk is full, the bucket does not answer: nothing was kept. */
export class EvidenceUnkept extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('evidence_unkept', message, true, options)
  }
}
