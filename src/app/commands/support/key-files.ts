import { createPrivateKey } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { withoutRoot } from '../../../client/index.ts'
import { readCertificateInput } from '../../../crypto/pem.ts'
import { writePkcs12 } from '../../../crypto/pkcs12/write.ts'
import { Refused } from './errors.ts'

/** The document of a key, as far as files are made of it. */
export interface KeyDocument {
  readonly clientid: string
  readonly clientsecret?: string
  /** PEM, leaf to root; of a certificate that the sender brought, the leaf alone. */
  readonly certificate?: string
  /** PEM of the private key, where the server made it. */
  readonly key?: string
  readonly [member: string]: unknown
}

interface KeyFile {
  readonly name: string
  readonly content: string | Buffer
  readonly mode: number
}

const forOwner = 0o600
const forAll = 0o644

export const keyFileName = 'key.json'
/** Everything that may be written for a key. */
const names = [
  keyFileName,
  'client.pem',
  'client-key.pem',
  'chain.pem',
  'client.p12',
  'client.p12.passphrase',
] as const

export interface KeyFilesOptions {
  /** The alias in the PKCS#12 file. */
  readonly name: string
  /** What `key.json` holds, where that is not the document as it is. */
  readonly shaped: object
  readonly random: (bytes: number) => Buffer
}

/** A service key as files that other programs read as they are. What the document does not hold is left out. */
export function keyFiles(document: KeyDocument, { name, shaped, random }: KeyFilesOptions): KeyFile[] {
  const files: KeyFile[] = [
    { name: keyFileName, content: `${JSON.stringify(shaped, null, 2)}\n`, mode: forOwner },
  ]
  const { certificate, key } = document
  if (certificate === undefined) return files
  const sent = withoutRoot(certificate)
  files.push({ name: 'client.pem', content: sent, mode: forAll })
  if (sent !== certificate) files.push({ name: 'chain.pem', content: certificate, mode: forAll })
  if (key === undefined) return files
  // Of characters that every program takes on its command line and in its configuration.
  const passphrase = random(24).toString('base64url')
  const [leaf, ...others] = readCertificateInput(sent)
  files.push(
    { name: 'client-key.pem', content: key, mode: forOwner },
    {
      name: 'client.p12',
      content: writePkcs12({
        key: createPrivateKey(key),
        certificate: leaf!,
        chain: others,
        friendlyName: name,
        passphrase,
        random,
      }),
      mode: forOwner,
    },
    { name: 'client.p12.passphrase', content: `${passphrase}\n`, mode: forOwner },
  )
  return files
}

/**
 * Makes the directory for the files of a key. Done before the key is made: a secret that cannot be written down is
 * lost, and so is one that is written over. Throws Refused.
 */
export function makePlace(directory: string): void {
  const taken = names.map(name => join(directory, name)).find(path => existsSync(path))
  if (taken !== undefined)
    throw new Refused(`${taken} exists already`, { hint: 'Name another directory, or move the file away.' })
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    accessSync(directory, constants.W_OK)
  } catch (error) {
    throw new Refused(`cannot create ${directory}: ${(error as Error).message}`)
  }
}

/** Writes all of the files, none of which is there yet, or none. Throws what the system says. */
export function writeKeyFiles(directory: string, files: readonly KeyFile[]): void {
  const written: string[] = []
  try {
    for (const { name, content, mode } of files) {
      const path = join(directory, name)
      const fd = openSync(path, 'wx', mode)
      written.push(path)
      try {
        writeFileSync(fd, content)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    }
  } catch (error) {
    for (const path of written) rmSync(path, { force: true })
    throw error
  }
}
