import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import type { Addresses } from '../addresses.ts'
import type { ClientAuthentication } from '../clients/index.ts'
import type { Problem } from '../problem.ts'
import type { Soon } from '../soon.ts'
import type { Tenant } from '../tenant.ts'
import type { TokenChecking } from '../tokens/index.ts'
import type { Caller } from './caller.ts'

/** What identification sees of a request to a protected address. */
export interface ResourceRequest {
  readonly tenant: Tenant
  readonly authorization: string | undefined
  /** Network address of the peer. */
  readonly source: string
  /** The certificate that the peer has proven to hold. */
  readonly certificate?: PresentedCertificate | undefined
  /** Only to be told: nothing is counted or changed. */
  readonly dryRun?: boolean | undefined
}

export interface Identification extends ClientAuthentication {
  readonly checking: TokenChecking
  readonly addresses: Addresses
}

/** A way to show who calls. A new one is a file here and a line in the list. */
export interface Way {
  readonly name: string
  /** The checks that it runs, in order. */
  readonly checks: readonly string[]
  /** Does the request use this way? */
  claims(request: ResourceRequest): boolean
  identify(request: ResourceRequest, deps: Identification): Soon<Caller | Problem>
}
