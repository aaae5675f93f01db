import type { Client } from '../clients/index.ts'
import type { ActiveToken } from '../tokens/index.ts'

/** Who was authenticated, how, and what the caller may do now. */
export interface Caller {
  readonly client: Client
  readonly by: 'token' | 'secret' | 'certificate'
  readonly roles: ReadonlySet<string>
  /** The audience of the credential; where it must be used. */
  readonly audience: string
  readonly token: ActiveToken | undefined
}
