import { ConfigError } from '../config.ts'
import type { Bound } from './bind.ts'
import type { PemIdentity, StoreFile, TlsSettings } from './settings.ts'
import { boolean, oneOf, path, pemOrPath, text } from './values.ts'

const storeType = oneOf(['PKCS12', 'JKS'])

/** `SERVER_SSL_*`; undefined: no TLS. Throws ConfigError. */
export function readTls(bound: Bound): TlsSettings | undefined {
  const enabled = bound.get('tlsEnabled', boolean)
  if (enabled === false) return undefined
  if (bound.get('tlsBundle', text) !== undefined)
    throw new ConfigError(
      `${bound.nameOf('tlsBundle')}: what a bundle holds is not read, name the files with SERVER_SSL_KEY_STORE or SERVER_SSL_CERTIFICATE`,
    )
  const clientAuth = bound.get('clientAuth', oneOf(['none', 'want', 'need']))
  const identity = identityOf(bound)
  const trust = trustOf(bound)
  if (identity === undefined) {
    if (!enabled && clientAuth === undefined && trust === undefined) return undefined
    throw new ConfigError(
      `${bound.nameOf(enabled ? 'tlsEnabled' : clientAuth ? 'clientAuth' : 'trustStore')} needs the key of the server: set SERVER_SSL_KEY_STORE, or SERVER_SSL_CERTIFICATE and SERVER_SSL_CERTIFICATE_PRIVATE_KEY`,
    )
  }
  if (clientAuth === 'need' && !trust && !bound.list('mtlsTrustedCertificates'))
    throw new ConfigError(
      `${bound.nameOf('clientAuth')} is need, but nothing says whose certificates are accepted: set SERVER_SSL_TRUST_STORE`,
    )
  return { identity, clientAuth: clientAuth ?? 'none', trust }
}

function identityOf(bound: Bound): StoreFile | PemIdentity | undefined {
  const store = bound.get('keyStore', path)
  const certificate = bound.get('certificate', pemOrPath)
  const privateKey = bound.get('certificatePrivateKey', pemOrPath)
  const keyPassword = bound.get('keyPassword', text)
  if (store !== undefined && certificate !== undefined) throw onlyOne(bound, 'keyStore', 'certificate')
  if ((certificate === undefined) !== (privateKey === undefined))
    throw new ConfigError(
      'SERVER_SSL_CERTIFICATE and SERVER_SSL_CERTIFICATE_PRIVATE_KEY go together: set both or none',
    )
  if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey, keyPassword }
  if (store === undefined) return undefined
  return {
    path: store,
    password: bound.get('keyStorePassword', text),
    type: bound.get('keyStoreType', storeType) ?? 'PKCS12',
    alias: bound.get('keyAlias', text),
    keyPassword,
  }
}

function trustOf(bound: Bound): TlsSettings['trust'] {
  const store = bound.get('trustStore', path)
  const certificate = bound.get('trustCertificate', pemOrPath)
  if (store !== undefined && certificate !== undefined) throw onlyOne(bound, 'trustStore', 'trustCertificate')
  if (certificate !== undefined) return { certificate }
  if (store === undefined) return undefined
  return {
    path: store,
    password: bound.get('trustStorePassword', text),
    type: bound.get('trustStoreType', storeType) ?? 'PKCS12',
    alias: undefined,
    keyPassword: undefined,
  }
}

function onlyOne(bound: Bound, one: 'keyStore' | 'trustStore', other: 'certificate' | 'trustCertificate') {
  return new ConfigError(`set ${bound.nameOf(one)} or ${bound.nameOf(other)}, not both`)
}
