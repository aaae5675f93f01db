/** The certificate of a service key that ends at `notAfter` (milliseconds). */
export interface EndingKey {
  /** `tenant`, `instance`, `key`. */
  readonly names: Readonly<Record<string, string>>
  readonly notAfter: number
}

/** So many certificates of a kind are so near their end. */
export interface EndingCount {
  readonly of: string
  readonly state: string
  readonly count: number
}

/** What is counted; an adapter makes a metrics page of it. Names of tenants and flows are bounded by the operator. */
export interface Meter {
  tokenIssued(tenant: string, format: string): void
  /** A refused request, by where it came in (`token`, `flow`, `admin`, ...) and its code. */
  refused(surface: string, code: string): void
  message(tenant: string, flow: string, httpStatus: number, seconds: number): void
  /** Certificates that end soon: those of service keys by name, and how many of each kind. Replaces what was told before. */
  certificatesEnding(keys: readonly EndingKey[], counts: readonly EndingCount[]): void
}
