import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { isLoopback } from '../../../core/network.ts'
import { WrongUsage } from './errors.ts'
import { rootFileIfThere } from './places.ts'

/** The roots to believe for the server of an address, as node:tls takes them; undefined: those of the system. */
export type Trust = (url: URL) => string[] | undefined

/** `given` (`--ca`) alone, or the data directory's root beside those of the system. Throws WrongUsage. */
export function createTrust(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Trust {
  if (given !== undefined) {
    const roots = [readRoot(given)]
    return () => roots
  }
  const file = rootFileIfThere(env)
  if (file === undefined) return () => undefined
  const own = readRoot(file)
  // No public authority vouches for this machine, and reading all of them takes a while.
  return ({ hostname }) =>
    hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
      ? [own]
      : [own, ...getCACertificates('default')]
}

function readRoot(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new WrongUsage(`cannot read ${file}: ${(error as Error).message}`)
  }
  if (/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return text
  throw new WrongUsage(`${file} holds no certificate in PEM form`)
}
