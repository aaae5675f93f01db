import { encodePem, PemError, readCertificateInput } from '../../../crypto/pem.ts'
import { decodePemWithKeys } from '../../../crypto/pem-keys.ts'
import type { KeyFileReader } from './reader.ts'

const derSequence = 0x30

/** PEM with or without a private key, and a certificate in DER, or base64 of one of them. */
export const pem: KeyFileReader = {
  claims: file => file[0] === derSequence || /-----BEGIN|^\s*(?:MI|LS0)/.test(file.toString('utf8')),
  read(file, { passphrase, entry }) {
    if (entry !== undefined)
      throw new PemError('PEM names no entries: leave the name away, or give a PKCS#12 file')
    const text = file.toString('utf8')
    if (!text.includes('PRIVATE KEY'))
      return { privateKey: undefined, certificates: readCertificateInput(file) }
    const { keys, others } = decodePemWithKeys(text, passphrase)
    if (keys.length > 1) throw new PemError(`it holds ${keys.length} private keys: give one at a time`)
    if (others.length === 0)
      throw new PemError('it holds a private key without a certificate: give both in one file')
    return {
      privateKey: keys[0],
      certificates: readCertificateInput(others.map(({ label, der }) => encodePem(label, der)).join('')),
    }
  },
}
