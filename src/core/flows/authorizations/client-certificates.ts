import { type Dn, dnMatches, formatName, type Name, parseDn } from '../../../crypto/names.ts'
import type { Identification, ResourceRequest } from '../../admission/index.ts'
import { Problem } from '../../problem.ts'
import type { Admitted, AuthorizationVariant, ClientCertificates } from './authorization.ts'

/**
 * Whose certificate has one of the listed pairs of subject and issuer (the described second variant). No service key
 * is needed; the certificate must be of a trusted root, but it is names that are compared.
 */
export const clientCertificates: AuthorizationVariant<ClientCertificates> = {
  is: definition => 'clientCertificates' in definition,
  compile: definition => {
    const accepted = definition.clientCertificates.map(({ subjectDN, issuerDN }) => ({
      subject: parseDn(subjectDN),
      issuer: parseDn(issuerDN),
    }))
    return {
      roles: [],
      checks: () => ['credentials present', 'client certificate', 'subject and issuer'],
      admit: (request, deps) => admitByNames(request, accepted, deps),
    }
  },
  warnings: () => [
    'sender.authorization.clientCertificates is not recommended: only the names are compared, not the whole certificate, and a renewed certificate of other names needs a new deployment; use userRole with a service key',
  ],
}

/** In characters that a header can carry; others are written as RFC 4514 section 2.4 allows, by their octets. */
const plainName = (name: Name): string =>
  formatName(name).replace(/[^\x21-\x7e]/gu, character =>
    Buffer.from(character).toString('hex').replace(/../g, '\\$&'),
  )

interface Names {
  readonly subject: Dn
  readonly issuer: Dn
}

async function admitByNames(
  { tenant, authorization, certificate }: ResourceRequest,
  accepted: readonly Names[],
  { trust, addresses }: Identification,
): Promise<Admitted | Problem> {
  if (authorization !== undefined)
    return new Problem('bad_credentials', 'the credentials are not valid', {
      check: 'credentials present',
      reason: 'the flow takes client certificates only, and an Authorization header was sent',
      hint: 'Leave the Authorization header out, or let the flow ask for a role (userRole).',
    })
  if (!certificate)
    return new Problem('no_credentials', 'credentials are needed', {
      check: 'credentials present',
      reason: 'the request came without a client certificate',
      hint: `Let the sender call ${addresses.mtls(tenant)}, the only address that asks for a certificate, and send its own with its intermediates.`,
    })
  const verdict = await trust.evaluate(tenant.id, certificate)
  if (!verdict.ok)
    return new Problem('bad_credentials', 'the credentials are not valid', {
      check: 'client certificate',
      reason: verdict.reason,
      hint: verdict.hint,
    })
  const { subject, issuer } = verdict.leaf
  if (accepted.some(names => dnMatches(names.subject, subject) && dnMatches(names.issuer, issuer)))
    return {
      name: plainName(subject),
      id: certificate.thumbprint,
      credentialUsed: undefined,
      roles: none,
      subject: {},
    }
  return new Problem('insufficient_scope', 'the caller may not call this address', {
    check: 'subject and issuer',
    reason: `Unauthorized. Subject and issuer (subject: ${formatName(subject)}; issuer: ${formatName(issuer)}) of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow.`,
    hint: 'Add the pair to sender.authorization.clientCertificates and deploy the flow again; old and new may stand there together.',
  })
}

const none: ReadonlySet<string> = new Set()
