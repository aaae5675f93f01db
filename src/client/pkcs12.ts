import { encodePem } from '../crypto/pem.ts'
import { chooseEntry, noMacNote } from '../crypto/pkcs12/choose-entry.ts'
import { Pkcs12Error } from '../crypto/pkcs12/error.ts'
import { readPkcs12 } from '../crypto/pkcs12/read.ts'
import { type ClientCertificate, clientCertificate } from './certificate.ts'
import { misconfigured } from './errors.ts'

export type Pkcs12Opening = {
  passphrase: string
  /** of the private key, where it has another one than the file */
  keyPassphrase?: string | undefined
  /** which of the private keys in the file; may be left out where there is one */
  alias?: string | undefined
  /** read a file without a MAC, which anybody could have changed; `note` says so then */
  allowNoMac?: boolean | undefined
}

/**
 * The certificate of a PKCS#12 file (.p12, .pfx) as OpenSSL, Java and Windows write it, also in the old ways that Node
 * does not read. The only key of a file that names none answers to any alias; `note` says so then. Throws TokenError
 * `invalid_configuration` that says what is wrong; no message holds any of it.
 */
export function certificateFromPkcs12(
  file: Buffer,
  { passphrase, keyPassphrase, alias, allowNoMac = false }: Pkcs12Opening,
): { certificate: ClientCertificate; note: string | undefined } {
  try {
    const passwords = { store: passphrase, ...(keyPassphrase !== undefined && { key: keyPassphrase }) }
    const contents = readPkcs12(file, passwords, { allowNoMac })
    const { entry, note } = chooseEntry(contents, alias)
    const chain = entry.chain.map(der => encodePem('CERTIFICATE', der)).join('')
    const key = entry.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const notes = [note, contents.hasMac ? undefined : noMacNote].filter(Boolean)
    return { certificate: clientCertificate(chain, key), note: notes.join('; ') || undefined }
  } catch (error) {
    if (error instanceof Pkcs12Error) throw misconfigured(`The PKCS#12 file cannot be used: ${error.message}`)
    throw error
  }
}
