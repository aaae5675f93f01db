import { hash } from 'node:crypto'
import { parseCertificate } from '../../../crypto/certificate.ts'
import { importSpki } from '../../../crypto/spki.ts'
import type { PresentedCertificate } from '../../../guard/presented-certificate.ts'
import { type AssertionKey, type Header, useOf } from './key.ts'

/** The key of a registered certificate. */
export interface CertificateKey extends AssertionKey {
  readonly certificate: PresentedCertificate
  /** What headers call it, by member. */
  readonly names: Readonly<Record<'x5t#S256' | 'x5t' | 'kid' | 'x5c', ReadonlySet<unknown>>>
}

export function certificateKey(credentialId: string, der: Buffer, thumbprint: string): CertificateKey {
  const { spki } = parseCertificate(der)
  const sha1 = hash('sha1', der, 'buffer')
  const sha256 = hash('sha256', der, 'buffer')
  const hex = [sha1, sha256].flatMap(digest => [digest.toString('hex'), digest.toString('hex').toUpperCase()])
  return {
    id: useOf(credentialId, thumbprint),
    key: importSpki(spki.raw),
    certificate: { der, thumbprint, chain: [] },
    names: {
      'x5t#S256': new Set([thumbprint]),
      x5t: new Set([sha1.toString('base64url')]),
      kid: new Set([sha1.toString('base64url'), thumbprint, hash('sha256', spki.raw, 'base64url'), ...hex]),
      x5c: new Set([der.toString('base64')]),
    },
  }
}

/**
 * The certificates that a header may mean. Thumbprints say most exactly which it is. `x5c` counts where its first is
 * registered, and is left aside where it is not: whoever makes a key makes a certificate of it, too. `kid` counts where
 * there is nothing else, because anything may stand there. A header that says nothing means all of them.
 */
export function amongCertificates<K extends CertificateKey>(
  keys: readonly K[],
  header: Header,
): readonly K[] | string {
  const [sent, ...others] = Array.isArray(header.x5c) ? header.x5c.map(inOneLine) : []
  const registered = keys.some(({ names }) => names.x5c.has(sent))
  const said: [keyof CertificateKey['names'], unknown][] = []
  for (const member of ['x5t#S256', 'x5t'] as const)
    if (header[member] !== undefined) said.push([member, inBase64url(header[member])])
  if (registered) said.push(['x5c', sent])
  if (said.length === 0 && header.kid !== undefined) said.push(['kid', inBase64url(header.kid)])
  if (said.length === 0 && sent !== undefined)
    return 'its x5c begins with a certificate that the key does not hold'
  const found = keys.filter(({ names }) => said.every(([member, value]) => names[member].has(value)))
  if (found.length === 0)
    return `no certificate of the key is the one that its header names${mistaken(header)}`
  if (!registered) return found
  const chain = others.slice(0, mostOthers).flatMap(derOf)
  return found.map(one => ({ ...one, certificate: { ...one.certificate, chain } }))
}

/** Some clients of Entra write thumbprints in plain base64, padded, and break the lines of certificates. */
const inBase64url = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '') : value
const inOneLine = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/[\r\n]/g, '') : value

/** As of a connection: what was sent beside the leaf is material for a path, and proves nothing. */
const mostOthers = 10

const derOf = (text: unknown): Buffer[] => (typeof text === 'string' ? [Buffer.from(text, 'base64')] : [])

const hexDigest = /^([0-9a-f]{40}|[0-9a-f]{64})$/i

/** What is often done wrong with thumbprints. */
function mistaken({ x5t, 'x5t#S256': x5tS256 }: Header): string {
  for (const value of [x5t, x5tS256]) {
    if (typeof value !== 'string') continue
    if (hexDigest.test(value) || hexDigest.test(Buffer.from(value, 'base64url').toString('latin1')))
      return '; its thumbprint was made of hexadecimal digits, not of the 20 or 32 octets'
  }
  if (typeof x5t === 'string' && x5t.length === 43)
    return '; its x5t is a SHA-256 thumbprint, which belongs in x5t#S256'
  if (typeof x5tS256 === 'string' && x5tS256.length === 27)
    return '; its x5t#S256 is a SHA-1 thumbprint, which belongs in x5t'
  return ''
}
