import {
  auditRole,
  type CertificateWay,
  certificateWay,
  type PrincipalSource,
  subjectPattern,
} from '../../core/identity/index.ts'
import { createTrust } from '../../core/trust/index.ts'
import type { IdentitySettings, MtlsPrincipal } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'
import { configuredTrust, trustedBy } from './certificates.ts'
import type { IdentityParts } from './parts.ts'

const sources: Readonly<Record<MtlsPrincipal, PrincipalSource>> = {
  cn: 'CN',
  dn: 'DN',
  dns: 'SAN_DNS',
  email: 'SAN_EMAIL',
  uri: 'SAN_URI',
}

/** Callers by their certificate. Throws ConfigError where none could be trusted. */
export function mtlsWay({ mtls, tls }: IdentitySettings, parts: IdentityParts): CertificateWay {
  const { tenant, store, changes, context, revocation } = parts
  const ders = trustedBy(tls?.trust, mtls)
  if (ders.length === 0)
    throw new ConfigError(
      'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES or SERVER_SSL_TRUST_STORE is missing: without them no certificate is trusted.',
    )
  const { table, pinned } = configuredTrust(mtls, ders, store.read.trust)
  // Our own authority vouches for senders of flows, not for callers of this service, unless it is named as well.
  const noAuthority = { of: (tenantId: string) => ({ tenantId, members: [] }) }
  const trust = createTrust(
    { table, authorities: noAuthority, issued: store.read.issued, revocation, context },
    changes,
  )
  return certificateWay(
    {
      pinned,
      principal: mtls.subjectDnPattern === undefined ? sources[mtls.principal] : 'DN',
      cut: mtls.subjectDnPattern === undefined ? undefined : subjectPattern(mtls.subjectDnPattern),
      defaultRoles: mtls.defaultRoles,
    },
    {
      now: context.now,
      evaluate: presented => trust.evaluate(tenant.id, presented),
      onRole: (username, role) => auditRole(role, 'certificate user', { username }, context.log),
    },
  )
}
