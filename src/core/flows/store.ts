/** A deployed integration flow. The definition has been parsed and checked before it came here. */
export interface DeployedFlow {
  readonly tenantId: string
  readonly id: string
  /** JSON text of the checked definition. */
  readonly definition: string
  readonly deployedAt: number
}

export interface FlowTable {
  /** By id, in order. */
  list(tenantId: string): Promise<DeployedFlow[]>
  find(tenantId: string, id: string): Promise<DeployedFlow | undefined>
  /** Inserts, or replaces the flow of the same id. */
  put(flow: DeployedFlow): Promise<void>
  delete(tenantId: string, id: string): Promise<void>
}

/** One message through a flow, from its arrival to the answer. */
export interface Message {
  readonly id: string
  readonly tenantId: string
  readonly flowId: string
  readonly correlationId: string
  readonly callerCorrelationId: string | undefined
  readonly status: 'COMPLETED' | 'FAILED'
  /** HTTP status that the sender got. */
  readonly httpStatus: number
  /** HTTP status of the receiver; undefined when it did not answer. */
  readonly receiverStatus: number | undefined
  readonly sender: string
  readonly method: string
  readonly startedAt: number
  readonly endedAt: number
  /** What went wrong, for the operator. */
  readonly error: string | undefined
}
