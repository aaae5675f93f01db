/**
 * Why a request was refused, for the operator; found by the correlation id that the caller was given. Kept
 * within bounds of count and age.
 */
export interface DecisionRecord {
  /** The correlation id. */
  readonly id: string
  readonly tenantId: string
  readonly at: number
  readonly callerCorrelationId: string | undefined
  /** `token`, `introspect`, `revoke`, `flow`, `admin`. */
  readonly surface: string
  readonly method: string
  /** Path without query. */
  readonly path: string
  readonly source: string
  readonly listener: string
  readonly status: number
  readonly code: string
  readonly reason: string
  readonly hint: string | undefined
  /** As the request claimed; unproven unless `credentialId` is there. */
  readonly clientId: string | undefined
  readonly credentialId: string | undefined
  /** In the order in which they ran; the last one failed. */
  readonly checks: readonly DecisionCheck[]
}

export interface DecisionCheck {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'not reached'
}
