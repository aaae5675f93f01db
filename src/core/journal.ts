/**
 * What is written down in passing: nobody waits for it, it is written in groups, and it is kept within bounds of
 * count and age. Readable from every process within one second.
 */
export interface Journal<Message, Decision> {
  /** Queues an entry of the message log. Never waits; past the bound of the queue the entry is dropped and counted. */
  message(message: Message): void
  /** Queues a decision record; same promise. */
  decision(decision: Decision): void
  /** Notes that a credential was used. */
  used(credentialId: string, at: number): void

  /** Newest first. */
  messages(tenantId: string, filter: { flowId?: string; limit: number }): Promise<Message[]>
  findDecision(tenantId: string, id: string): Promise<Decision | undefined>
  /** Newest first. */
  decisions(
    tenantId: string,
    filter: { clientId?: string; code?: string; limit: number },
  ): Promise<Decision[]>
  /** Milliseconds of the last use, by credential id; absent: never used. */
  lastUsed(credentialIds: readonly string[]): Promise<Map<string, number>>

  /** Writes what is queued. */
  flush(): Promise<void>
  /** Entries dropped because the queue was full, since the start. */
  readonly dropped: number
}
