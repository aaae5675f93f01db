import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import type { Problem } from '../problem.ts'
import type { Soon } from '../soon.ts'
import type { ProvenBy } from './caller.ts'
import type { Principal } from './resolve.ts'

/** What authentication sees of a request. */
export interface IdentityRequest {
  readonly authorization: string | undefined
  /** Value of the session cookie; of several, which nobody can choose from, the empty text. */
  readonly session: string | undefined
  /** The certificate that the peer has proven to hold. */
  readonly certificate: PresentedCertificate | undefined
  /** Network address of the peer. */
  readonly source: string
  /** A program on this computer calls by itself, not for others as a proxy. */
  readonly isFromHere?: boolean
}

/** What a credential has proven. */
export interface Proven {
  readonly by: ProvenBy
  readonly principal: Principal
  readonly displayName: string | undefined
  readonly email: string | undefined
  readonly until: number | undefined
  /** Of a password: tells whether it is still the one. */
  readonly proof?: string | undefined
}

/** A way to show who calls the identity service. A new one is a file in `ways` and a line where the service is put together. */
export interface IdentityWay {
  readonly name: string
  /** Does the request use this way? The first that says so decides. */
  claims(request: IdentityRequest): boolean
  prove(request: IdentityRequest): Soon<Proven | Problem>
}
