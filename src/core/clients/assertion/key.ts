import type { KeyObject } from 'node:crypto'
import type { PresentedCertificate } from '../../../guard/presented-certificate.ts'

/** The JOSE header of an assertion: nothing in it is proven. */
export type Header = Readonly<Record<string, unknown>>

/** A key that a client may sign assertions with. */
export interface AssertionKey {
  /** What its last use is noted under: `useOf`. */
  readonly id: string
  readonly key: KeyObject
  /** The certificate that it stands in: what is wrong with that is wrong with the key. */
  readonly certificate: PresentedCertificate | undefined
}

/** What the last use of one of several keys of a credential is noted under; `name`: its kid, or the thumbprint of its certificate. */
export const useOf = (credentialId: string, name: string): string => `${credentialId} ${name}`
