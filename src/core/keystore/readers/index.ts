import { DerError } from '../../../crypto/der.ts'
import { PemError } from '../../../crypto/pem.ts'
import { Pkcs12Error } from '../../../crypto/pkcs12/error.ts'
import { knownFormat } from '../../../crypto/pkcs12/other-formats.ts'
import type { Problem } from '../../problem.ts'
import { keystoreLimits, refuse } from '../rules.ts'
import { pem } from './pem.ts'
import { pkcs12 } from './pkcs12.ts'
import type { KeyFileContents, KeyFileReader, Opening } from './reader.ts'

/** THE LIST of forms, the most particular first. */
const readers: readonly KeyFileReader[] = [pkcs12, pem]

/** Reads a file that somebody gave: PEM as text, or base64 of a file of any form. */
export function readKeyFile(given: string, opening: Opening): KeyFileContents | Problem {
  const file = bytesOf(given)
  const { fileBytes } = keystoreLimits
  if (file.length > fileBytes) return refuse(`the file has ${file.length} bytes: the limit is ${fileBytes}`)
  const reader = readers.find(each => each.claims(file))
  if (!reader) return refuse(`it cannot be imported: ${whatElse(file)}`)
  try {
    return reader.read(file, opening)
  } catch (error) {
    const known = [PemError, DerError, Pkcs12Error].some(kind => error instanceof kind)
    if (known) return refuse(`it cannot be imported: ${(error as Error).message}`, hintFor(error))
    throw error
  }
}

const hintFor = (error: unknown): string | undefined =>
  error instanceof Pkcs12Error && error.problem === 'no-mac'
    ? 'Where you are sure of the file, allow it: --allow-no-mac, or allowNoMac in the admin API.'
    : undefined

function whatElse(file: Buffer): string {
  const known = knownFormat(file)
  return `it is no PKCS#12 and no PEM file${known === undefined ? '' : `: ${known}`}`
}

/** Base64 is decoded where it is exact; anything else is a text. */
function bytesOf(given: string): Buffer {
  const body = given.replace(/\s/g, '')
  const bytes = Buffer.from(body, 'base64')
  return body !== '' && bytes.toString('base64') === body ? bytes : Buffer.from(given, 'utf8')
}
