import type { TlsOptions, TokenClientOptions } from '../../../client/index.ts'
import type { ShownCertificate } from '../../calls.ts'
import type { Context } from '../../context.ts'
import type { KeystoreIdentities } from '../../keystore/index.ts'
import type { Problem } from '../../problem.ts'
import type { Soon } from '../../soon.ts'

/** What security material adds to a call. */
export interface Carried {
  readonly authorization?: string
  readonly certificate?: ShownCertificate
  /** What is wrong with its dates. */
  readonly outOfDate?: string | undefined
  /** The receiver did not take it. */
  readonly rejected?: () => void
}

/** Security material in use. */
export interface Caller {
  carry(): Soon<Carried | Problem>
  /** Nothing is carried any more; what is being got for somebody comes to its end. */
  close(): void
}

/** What callers are made with. */
export interface CallerContext {
  readonly keystore: KeystoreIdentities
  /** With the authorities that are trusted, beside those of this computer. */
  readonly tls: TlsOptions
  readonly lookup: TokenClientOptions['lookup']
  readonly context: Context
}
