import { hash } from 'node:crypto'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { canonicalName, hidesCharacters } from '../../crypto/names.ts'
import type { Problem } from '../problem.ts'
import type { TrustedPath } from '../trust/index.ts'
import { refuse } from './certificate-refusal.ts'
import { canonicalSan, type MatchKind, matchDigest, successorDigest } from './certificates.ts'
import type { Client } from './client.ts'
import type { ClientAuthentication } from './method.ts'

/**
 * A key that holds no such certificate, but names an authority in its path and a name in it (RFC 8705 section 2.1.2),
 * or is not pinned and holds its predecessor.
 */
export async function matchingClient(
  path: TrustedPath,
  tenantId: string,
  { directory }: ClientAuthentication,
): Promise<{ client: Client; isSuccessor: boolean } | Problem | undefined> {
  const found = await directory.byMatches(tenantId, pathId(path), () => digestsOf(path))
  if (found !== 'several') return found && { client: found.client, isSuccessor: found.kind === 'names' }
  return refuse(
    {
      reason: 'the certificate fits several service keys',
      hint: 'Two keys name the same authority and different names of this certificate: delete one of them.',
    },
    undefined,
    undefined,
  )
}

const pathIds = new WeakMap<TrustedPath, string>()

/** Another path of the same certificate may hold other authorities. */
function pathId(path: TrustedPath): string {
  const known = pathIds.get(path)
  if (known !== undefined) return known
  const id = hash('sha256', Buffer.concat(path.chain.map(({ raw }) => raw)), 'base64url')
  pathIds.set(path, id)
  return id
}

/** The properties that a key may have named, each with each authority of the path; a certificate with very many names stops somewhere. */
function digestsOf({ leaf, chain }: TrustedPath): string[] {
  // A name that hides characters would pass for another one.
  const isPlain = !hidesCharacters(leaf.subject)
  const properties: [MatchKind, string][] = isPlain ? [['subject_dn', canonicalName(leaf.subject)]] : []
  for (const name of parseCertificateExtensions(leaf.extensions).subjectAltName ?? [])
    if ('value' in name) properties.push([`san_${name.kind}`, canonicalSan(name.kind, name.value)])
  const digests = chain
    .slice(1)
    .flatMap(({ spki }) =>
      properties.slice(0, mostNames).map(([kind, value]) => matchDigest(kind, value, spki.raw)),
    )
  return isPlain ? [successorDigest(leaf, chain[1] ?? leaf), ...digests] : digests
}

const mostNames = 50
