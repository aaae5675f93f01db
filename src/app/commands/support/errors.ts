/** The server, or a rule here, said no: exit status 1. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly hint: string | undefined
  readonly correlationId: string | undefined

  constructor(message: string, more: { hint?: string | undefined; correlationId?: string | undefined } = {}) {
    super(message)
    this.hint = more.hint
    this.correlationId = more.correlationId
  }
}

/** The command line cannot be carried out as it was written: exit status 2. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}
