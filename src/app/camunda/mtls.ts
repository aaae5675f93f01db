import { RE2JS } from 're2js'
import { ConfigError } from '../config.ts'
import type { Bound } from './bind.ts'
import { type MtlsSettings, mtlsPrincipals } from './settings.ts'
import { boolean, type Given, oneOf, pemOrPath } from './values.ts'

/** Throws ConfigError. */
export function readMtls(bound: Bound): MtlsSettings {
  const subjectDnPattern = bound.get('mtlsSubjectDnPattern', pattern)
  const principal = bound.get('mtlsPrincipal', oneOf(mtlsPrincipals))
  if (subjectDnPattern !== undefined && principal !== undefined)
    throw new ConfigError(
      `set ${bound.nameOf('mtlsSubjectDnPattern')} or ${bound.nameOf('mtlsPrincipal')}, not both: each says what names the caller`,
    )
  return {
    enabled: bound.get('mtlsEnabled', boolean) ?? false,
    trustedCertificates: (bound.list('mtlsTrustedCertificates') ?? []).map(pemOrPath),
    defaultRoles: [...new Set((bound.list('mtlsDefaultRoles') ?? []).map(roleOf))],
    requireValidChain: bound.get('mtlsRequireValidChain', boolean) ?? true,
    checkRevocation: bound.get('mtlsCheckRevocation', boolean) ?? false,
    allowSelfSigned: bound.get('mtlsAllowSelfSigned', boolean) ?? false,
    subjectDnPattern,
    principal: principal ?? 'cn',
  }
}

const roleOf = ({ value }: Given) => roles[value.toUpperCase()] ?? value

const roles: Readonly<Record<string, string>> = {
  ROLE_ADMIN: 'admin',
  ADMIN: 'admin',
  ROLE_USER: 'user',
  USER: 'user',
}

function pattern({ name, value }: Given): string {
  try {
    if (RE2JS.compile(value).groupCount() === 1) return value
  } catch {
    // Said below.
  }
  throw new ConfigError(
    `${name} must be a regular expression with one group, such as CN=(.*?)(?:,|$), without back references and looking around, not ${value}`,
  )
}
