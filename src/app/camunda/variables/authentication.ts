import type { Variable } from './variable.ts'

export const authenticationVariables = {
  method: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_METHOD'],
    does: '`BASIC` (unless set): users of the store with their passwords; `OIDC`: tokens of the issuer. Certificates are accepted beside either',
  },
  certAuthEnabled: {
    names: ['CAMUNDA_SECURITY_CERT_AUTH_ENABLED', 'CAMUNDA_SECURITY_AUTHENTICATION_ENTRA_ENABLED'],
    does: 'the service proves itself to the token server with its certificate; `false` unless set',
  },
  authorizationsEnabled: {
    names: ['CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED'],
    does: '`false`: whoever is authenticated may do everything, with a warning at each start; `true` unless set',
  },
  unprotectedApi: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI'],
    does: '`true`: callers who show nothing are let in, anonymous and without roles, with a warning at each start; `false` unless set',
  },
  csrfEnabled: {
    names: ['CAMUNDA_SECURITY_CSRF_ENABLED'],
    does: 'requests with a session cookie that change something must show `X-CSRF-TOKEN`; `true` unless set',
  },
  persistentSessions: {
    names: ['CAMUNDA_PERSISTENT_SESSIONS_ENABLED', 'CAMUNDA_SECURITY_SESSION_PERSISTENT_ENABLED'],
    does: 'sessions are kept in the store: they outlive a restart and hold on all nodes; `false` unless set',
  },
  sessionMaxInactive: {
    names: ['CAMUNDA_SECURITY_SESSION_MAX_INACTIVE_INTERVAL'],
    does: 'a session ends when it was not used for so long; `PT30M` unless set',
  },
  mtlsEnabled: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLED'],
    does: 'callers may show a certificate instead of a token or password; `false` unless set',
  },
  mtlsTrustedCertificates: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES'],
    does: 'roots of these certificates, each the path of a PEM file (all certificates of it count) or PEM itself',
    list: true,
  },
  mtlsDefaultRoles: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_DEFAULT_ROLES'],
    does: 'roles of every caller with such a certificate: `ROLE_ADMIN` is role `admin`, `ROLE_USER` is role `user`, others are their own id. None unless set; with a warning where it makes everybody an administrator',
    list: true,
  },
  mtlsRequireValidChain: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_REQUIREVALIDCHAIN'],
    does: 'a valid path from the certificate to a trusted root is required; `true` unless set. `false`: the certificate itself may be the trusted one, nothing else is let off',
  },
  mtlsCheckRevocation: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_CHECKREVOCATION'],
    does: 'certificates whose status cannot be learned by OCSP or CRL are refused; `false` unless set',
  },
  mtlsAllowSelfSigned: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ALLOW_SELF_SIGNED'],
    does: 'self-signed certificates are accepted, those alone that are themselves among the trusted ones; `false` unless set',
  },
  mtlsSubjectDnPattern: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_MTLS_SUBJECT_DN_PATTERN'],
    does: 'regular expression for the subject of the certificate; its one group is the name of the caller, such as `CN=(.*?)(?:,|$)`',
  },
  mtlsPrincipal: {
    names: ['COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL'],
    does: 'a setting of Countersign: the part of the certificate that is the name of the caller, `cn` (unless set), `dn`, or the first of the alternative names `dns`, `email`, `uri`',
  },
  allowNetwork: {
    names: ['COUNTERSIGN_IDENTITY_LET_NETWORK_ACT_AS_SERVICE'],
    does: 'a setting of Countersign: `true` lets callers who show nothing act **as the service itself** (the ten-step flow) also where the network can reach it. Without it that flow runs on loopback only; `false` unless set',
  },
} as const satisfies Record<string, Variable>
