import { chooseEntry, noMacNote } from '../../../crypto/pkcs12/choose-entry.ts'
import { looksLikePkcs12 } from '../../../crypto/pkcs12/other-formats.ts'
import { readPkcs12 } from '../../../crypto/pkcs12/read.ts'
import type { KeyFileReader } from './reader.ts'

/** PKCS#12 (`.p12`, `.pfx`), as OpenSSL, Java and Windows write it. Without private keys, it is read for certificates. */
export const pkcs12: KeyFileReader = {
  claims: looksLikePkcs12,
  read(file, { passphrase = '', entry: named, allowNoMac = false }) {
    const contents = readPkcs12(file, { store: passphrase }, { allowNoMac })
    const withNote = (note?: string) =>
      [note, contents.hasMac ? undefined : noMacNote].filter(Boolean).join('; ') || undefined
    if (contents.entries.length === 0 && contents.certificates.length > 0)
      return {
        privateKey: undefined,
        certificates: certificatesOf(contents.certificates, named),
        note: withNote(),
      }
    const { entry, note } = chooseEntry(contents, named)
    return { privateKey: entry.privateKey, certificates: entry.chain, note: withNote(note) }
  },
}

/** All, or those of one name, which Java compares without regard to case. */
const certificatesOf = (
  all: readonly { readonly alias: string | undefined; readonly der: Buffer }[],
  named: string | undefined,
): Buffer[] =>
  all
    .filter(({ alias }) => named === undefined || alias?.toLowerCase() === named.toLowerCase())
    .map(({ der }) => der)
