import type { Variable } from './variable.ts'

export const oidcVariables = {
  identityType: {
    names: ['CAMUNDA_IDENTITY_TYPE'],
    does: '`MICROSOFT`, `KEYCLOAK`, `AUTH0`, `COGNITO` or `GENERIC`; with `MICROSOFT` and `client_credentials` each scope must end in `/.default`',
  },
  issuer: {
    names: ['CAMUNDA_IDENTITY_ISSUER', 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ISSUER_URI'],
    does: 'tokens of this issuer are accepted, compared letter by letter',
  },
  issuerBackendUrl: {
    names: ['CAMUNDA_IDENTITY_ISSUER_BACKEND_URL'],
    does: 'where the metadata of the issuer is read, unless at the issuer itself',
  },
  clientId: {
    names: ['CAMUNDA_IDENTITY_CLIENT_ID', 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ID'],
    does: 'the id under which the service is registered at the token server',
  },
  clientSecret: {
    names: ['CAMUNDA_IDENTITY_CLIENT_SECRET', 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_SECRET'],
    does: 'its secret, where it has no certificate',
    secret: true,
  },
  audiences: {
    names: ['CAMUNDA_IDENTITY_AUDIENCE', 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_AUDIENCES'],
    does: 'audiences of accepted tokens, beside the resource part of each `.default` scope',
    list: true,
  },
  grantType: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_GRANTTYPE'],
    does: '`client_credentials`: the service fetches tokens for itself; `authorization_code` (unless set): it does not',
  },
  scopes: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPES', 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPE'],
    does: 'what it asks for; unless set, with `MICROSOFT` and `client_credentials`, the client id and `/.default`',
    list: true,
  },
  jwkSetUri: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI'],
    does: 'where the keys of the issuer are read, instead of where its metadata says',
  },
  additionalJwkSetUris: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ADDITIONAL_JWK_SET_URIS'],
    does: 'more keys of it, looked at after those',
    list: true,
  },
  tokenUri: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_TOKEN_URI'],
    does: 'the token endpoint, instead of the one that the metadata names',
  },
  usernameClaim: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_USERNAME_CLAIM'],
    does: 'claim that names a user, a name or a JSONPath; `sub` unless set',
  },
  clientIdClaim: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ID_CLAIM'],
    does: 'claim that names an application',
  },
  groupsClaim: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_GROUPS_CLAIM'],
    does: 'claim with the groups; those of the store do not count then',
  },
  preferUsernameClaim: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_PREFER_USERNAME_CLAIM'],
    does: "`true`: a token that names user and application is a user's; `false` unless set",
  },
  clockSkew: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLOCK_SKEW'],
    does: 'how far clocks may be apart; `PT60S` unless set, `PT10M` at most',
  },
  resource: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_RESOURCE'],
    does: 'resource indicators (RFC 8707) of token requests',
    list: true,
  },
  clientAuthenticationMethod: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_AUTHENTICATION_METHOD'],
    does: '`private_key_jwt`, `client_secret_basic` or `client_secret_post`; unless set, the first where a keystore is named, else the second',
  },
  assertionPath: {
    names: [
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PATH',
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KEYSTORE_PATH',
    ],
    does: 'path of the PKCS#12 file with the key that signs assertions, or of several with commas between them; read again when they change',
  },
  assertionPassword: {
    names: [
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PASSWORD',
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KEYSTORE_PASSWORD',
    ],
    does: 'its password',
    secret: true,
  },
  assertionAlias: {
    names: [
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS',
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KEYSTORE_KEY_ALIAS',
    ],
    does: 'which key of it; a file whose only key has no name has it under any alias',
  },
  assertionKeyPassword: {
    names: [
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_KEY_PASSWORD',
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KEYSTORE_KEY_PASSWORD',
    ],
    does: 'password of the key, unless it is that of the file',
    secret: true,
  },
  kidSource: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KID_SOURCE'],
    does: 'what `kid` is the digest of: `PUBLIC_KEY` or `CERTIFICATE`. `PUBLIC_KEY` unless set; `CERTIFICATE` with the described names `..._CLIENT_ASSERTION_KEYSTORE_*` and no `KID` variable at all',
  },
  kidDigest: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KID_DIGEST_ALGORITHM'],
    does: '`SHA256` or `SHA1`. `SHA256` unless set; `SHA1` in the case above',
  },
  kidEncoding: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KID_ENCODING'],
    does: '`BASE64URL` (unless set) or `HEX`',
  },
  kidCase: {
    names: ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ASSERTION_KID_CASE'],
    does: '`UPPER` or `LOWER`, with `HEX` only',
  },
  assertionAlgorithm: {
    names: ['COUNTERSIGN_IDENTITY_ASSERTION_ALGORITHM'],
    does: 'a setting of Countersign: `RS256` (unless set) or `PS256`, for assertions by an RSA key; an EC key has the algorithm of its curve',
  },
  zeebeAssertionPath: {
    names: ['ZEEBE_CLIENT_ASSERTION_KEYSTORE_PATH'],
    does: 'a second identity, named `zeebe`: path of the PKCS#12 file with its key',
  },
  zeebeAssertionPassword: {
    names: ['ZEEBE_CLIENT_ASSERTION_KEYSTORE_PASSWORD'],
    does: 'its password',
    secret: true,
  },
  zeebeAssertionAlias: { names: ['ZEEBE_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS'], does: 'which key of it' },
  zeebeAssertionKeyPassword: {
    names: ['ZEEBE_CLIENT_ASSERTION_KEYSTORE_KEY_PASSWORD'],
    does: 'password of the key, unless it is that of the file',
    secret: true,
  },
} as const satisfies Record<string, Variable>
