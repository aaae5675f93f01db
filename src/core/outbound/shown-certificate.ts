import { encodePem } from '../../crypto/pem.ts'
import type { ShownCertificate } from '../calls.ts'
import type { KeystoreIdentity } from '../keystore/index.ts'

const known = new WeakMap<KeystoreIdentity, ShownCertificate>()

/** A key pair of the keystore as TLS takes it; the same object for the same entry. */
export function shownCertificate(identity: KeystoreIdentity): ShownCertificate {
  let shown = known.get(identity)
  if (!shown) {
    shown = {
      cert: identity.chain.map(der => encodePem('CERTIFICATE', der)).join(''),
      key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
    known.set(identity, shown)
  }
  return shown
}
