/** Fetches from the addresses that the operator configured; never from one that a certificate names (checklist 22). */
export interface RevocationSource {
  /** DER of a list, or PEM. Throws a SourceError. */
  crl(url: string): Promise<Buffer>
  ocsp(url: string, request: Buffer): Promise<Buffer>
}

/** Its message has words for the operator. */
export interface SourceError extends Error {
  /** Nobody answered at all: the next request would wait as long. */
  readonly unanswered?: boolean
}
