/** What is counted; an adapter makes a metrics page of it. Names of tenants and flows are bounded by the operator. */
export interface Meter {
  tokenIssued(tenant: string, format: string): void
  /** A refused request, by where it came in (`token`, `flow`, `admin`, ...) and its code. */
  refused(surface: string, code: string): void
  message(tenant: string, flow: string, httpStatus: number, seconds: number): void
}
