import type { Variable } from './variable.ts'

export const serverVariables = {
  port: {
    names: ['SERVER_PORT'],
    does: 'the port of the identity service, 8080 unless set; 0 is any free one',
  },
  tlsEnabled: {
    names: ['SERVER_SSL_ENABLED'],
    does: 'TLS on this port; unless set, where a key store or certificate is named. Without TLS the service listens on loopback only',
  },
  keyStore: {
    names: ['SERVER_SSL_KEY_STORE'],
    does: 'path of the PKCS#12 file with the key of the server',
  },
  keyStorePassword: { names: ['SERVER_SSL_KEY_STORE_PASSWORD'], does: 'its password', secret: true },
  keyStoreType: {
    names: ['SERVER_SSL_KEY_STORE_TYPE'],
    does: '`PKCS12` or `JKS`; what the file holds decides, and a file in the old form of Java is converted with `keytool -importkeystore -deststoretype pkcs12`',
  },
  keyAlias: { names: ['SERVER_SSL_KEY_ALIAS'], does: 'which key of it; needed where it holds several' },
  keyPassword: {
    names: ['SERVER_SSL_KEY_PASSWORD'],
    does: 'password of the key, unless it is that of the file',
    secret: true,
  },
  certificate: {
    names: ['SERVER_SSL_CERTIFICATE'],
    does: 'instead of a key store: path of a PEM file with certificate and chain, or PEM itself',
  },
  certificatePrivateKey: {
    names: ['SERVER_SSL_CERTIFICATE_PRIVATE_KEY'],
    does: 'its key, the same way',
    secret: true,
  },
  clientAuth: {
    names: ['SERVER_SSL_CLIENT_AUTH'],
    does: '`none` (unless set): no certificate is asked for; `want`: it may be missing; `need`: it may not',
  },
  trustStore: {
    names: ['SERVER_SSL_TRUST_STORE'],
    does: 'path of the PKCS#12 file with the roots of the certificates of callers',
  },
  trustStorePassword: { names: ['SERVER_SSL_TRUST_STORE_PASSWORD'], does: 'its password', secret: true },
  trustStoreType: { names: ['SERVER_SSL_TRUST_STORE_TYPE'], does: 'as `SERVER_SSL_KEY_STORE_TYPE`' },
  trustCertificate: {
    names: ['SERVER_SSL_TRUST_CERTIFICATE'],
    does: 'instead of a trust store: path of a PEM file with the roots, or PEM itself',
  },
  tlsBundle: {
    names: ['SERVER_SSL_BUNDLE'],
    does: 'refused, because what a bundle holds is not read: name the files with `SERVER_SSL_KEY_STORE` or `SERVER_SSL_CERTIFICATE`',
  },
  profiles: {
    names: ['SPRING_PROFILES_ACTIVE'],
    does: 'selects the parts of a file that are for a profile (`spring.config.activate.on-profile`); the method is said by `CAMUNDA_SECURITY_AUTHENTICATION_METHOD`',
    list: true,
  },
  logRoot: {
    names: ['LOGGING_LEVEL_ROOT'],
    does: 'level of what has none of its own: `TRACE` and `DEBUG`, `INFO`, `WARN`, `ERROR` and `FATAL`, `OFF`',
  },
  logAuthentication: {
    names: ['LOGGING_LEVEL_IO_CAMUNDA_AUTHENTICATION'],
    does: 'level of authentication: assertions, tokens, keys, sessions',
  },
  logSecurity: {
    names: ['LOGGING_LEVEL_ORG_SPRINGFRAMEWORK_SECURITY', 'LOGGING_LEVEL_IO_CAMUNDA_SECURITY'],
    does: 'level of the decisions: who is let in, and to what',
  },
} as const satisfies Record<string, Variable>
