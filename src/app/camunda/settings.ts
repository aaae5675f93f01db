/** What the variables of the described Camunda system decide about the identity service. */
export interface IdentitySettings {
  /** Where the service listens besides the ports of Countersign; 0: any free one. */
  readonly port: number
  /** undefined: plain HTTP, on loopback only. */
  readonly tls: TlsSettings | undefined
  /** How callers without certificate show who they are: user and password, or a token of the issuer. */
  readonly method: 'basic' | 'oidc'
  /** The service proves itself to the token server by a certificate. */
  readonly certAuthEnabled: boolean
  /** false: who is authenticated may do everything. */
  readonly authorizationsEnabled: boolean
  /** Callers who show nothing are let in, anonymous and without roles. */
  readonly unprotectedApi: boolean
  readonly csrfEnabled: boolean
  /** Sessions outlive a restart and are shared by all nodes. */
  readonly persistentSessions: boolean
  /** A session ends when it was not used for so long; milliseconds. */
  readonly sessionMaxInactiveMs: number
  readonly oidc: OidcSettings
  /** The key with which the service signs assertions. */
  readonly assertion: AssertionIdentity | undefined
  /** A second named identity, of the Zeebe client. */
  readonly zeebeAssertion: AssertionIdentity | undefined
  readonly mtls: MtlsSettings
  /** What is created at the start, where it is not there yet. */
  readonly initialization: Initialization
  /** Levels of the parts of the log; a part that is not named has that of `root`, else the one of Countersign. */
  readonly logLevels: Readonly<Partial<Record<LogPart, LogLevel>>>
  /** The flow that lets strangers act as the service runs also where the network can reach it. */
  readonly allowNetwork: boolean
}

export interface TlsSettings {
  readonly identity: StoreFile | PemIdentity
  /** `want`: a certificate may be missing; `need`: it may not; `none`: it is not asked for. */
  readonly clientAuth: 'none' | 'want' | 'need'
  /** Whose certificates are accepted; undefined: those of `mtls.trustedCertificates`. */
  readonly trust: StoreFile | { readonly certificate: string } | undefined
}

/** A file that holds keys or certificates under a password. */
export interface StoreFile {
  readonly path: string
  readonly password: string | undefined
  /** As the operator named it; what the file holds decides. */
  readonly type: 'PKCS12' | 'JKS'
  /** Which key of the file; undefined: the only one. */
  readonly alias: string | undefined
  /** undefined: that of the file. */
  readonly keyPassword: string | undefined
}

/** Each the path of a PEM file, or PEM itself. */
export interface PemIdentity {
  readonly certificate: string
  readonly privateKey: string
  readonly keyPassword: string | undefined
}

export interface OidcSettings {
  /** Tokens of this issuer are accepted, verbatim. */
  readonly issuer: string | undefined
  /** Where its metadata is read; undefined: at the issuer. */
  readonly issuerBackendUrl: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  /** Accepted, beside the resource part of each `.default` scope. */
  readonly audiences: readonly string[]
  readonly grantType: 'client_credentials' | 'authorization_code'
  /** What the service asks the token server for. */
  readonly scopes: readonly string[]
  /** Instead of the one of the metadata. */
  readonly jwkSetUri: string | undefined
  /** Looked at after it, in this order. */
  readonly additionalJwkSetUris: readonly string[]
  /** Instead of the one of the metadata. */
  readonly tokenUri: string | undefined
  /** JSONPath or bare name of the claim that names a user. */
  readonly usernameClaim: string
  readonly clientIdClaim: string | undefined
  /** Groups come from the token, not from the store. */
  readonly groupsClaim: string | undefined
  /** A token that names both is a user's. */
  readonly preferUsernameClaim: boolean
  readonly clockSkewMs: number
  /** RFC 8707 */
  readonly resource: readonly string[]
  readonly clientAuthenticationMethod: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  readonly identityType: IdentityType | undefined
}

export type IdentityType = 'MICROSOFT' | 'KEYCLOAK' | 'AUTH0' | 'COGNITO' | 'GENERIC'

/** A key that signs assertions (RFC 7523), and how its `kid` is made. */
export interface AssertionIdentity {
  readonly keystore: StoreFile
  readonly kid: KeyIdForm
  /** Of RSA keys, RS256 unless set; others have that of their curve. */
  readonly algorithm?: 'RS256' | 'PS256'
}

export interface KeyIdForm {
  readonly source: 'CERTIFICATE' | 'PUBLIC_KEY'
  readonly digest: 'SHA256' | 'SHA1'
  readonly encoding: 'BASE64URL' | 'HEX'
  /** Of HEX; undefined: lower. */
  readonly case: 'UPPER' | 'LOWER' | undefined
}

export interface MtlsSettings {
  readonly enabled: boolean
  /** Each the path of a PEM file, or PEM itself. */
  readonly trustedCertificates: readonly string[]
  /** Roles of every caller with a trusted certificate, as this service names them (`admin`, `user`). */
  readonly defaultRoles: readonly string[]
  /** A path from the certificate to a trusted root is required. */
  readonly requireValidChain: boolean
  /** A certificate whose status cannot be learned is refused. */
  readonly checkRevocation: boolean
  /** Self-signed certificates are accepted where they are themselves among the trusted ones. */
  readonly allowSelfSigned: boolean
  /** Its first group, matched on the subject (RFC 2253), is the name of the caller; undefined: see `principal`. */
  readonly subjectDnPattern: string | undefined
  /** The part of the certificate that names the caller. */
  readonly principal: MtlsPrincipal
}

export const mtlsPrincipals = ['cn', 'dn', 'dns', 'email', 'uri'] as const
/** Common name or whole subject; first DNS name, mail address or URI of the alternative names. */
export type MtlsPrincipal = (typeof mtlsPrincipals)[number]

export interface Initialization {
  readonly mappingRules: readonly InitialMappingRule[]
  readonly roles: readonly InitialRole[]
  readonly groups: readonly InitialGroup[]
  readonly tenants: readonly InitialTenant[]
  readonly users: readonly InitialUser[]
  readonly authorizations: readonly InitialAuthorization[]
  /** Id of a role -> who has it. */
  readonly defaultRoles: Readonly<Record<string, Members>>
}

/** Ids of those who belong to something. */
export interface Members {
  readonly users: readonly string[]
  readonly clients: readonly string[]
  readonly groups: readonly string[]
  readonly mappingRules: readonly string[]
}

export interface InitialMappingRule {
  readonly mappingRuleId: string
  readonly name: string
  /** JSONPath or bare name. */
  readonly claimName: string
  readonly claimValue: string
}

export interface InitialRole extends Members {
  readonly roleId: string
  readonly name: string
  readonly description: string | undefined
}

/** Groups hold no groups: `groups` is empty. */
export interface InitialGroup extends Members {
  readonly groupId: string
  readonly name: string
  readonly description: string | undefined
}

export interface InitialTenant extends Members {
  readonly tenantId: string
  readonly name: string
  readonly description: string | undefined
  readonly roles: readonly string[]
}

export interface InitialUser {
  readonly username: string
  readonly password: string
  readonly name: string | undefined
  readonly email: string | undefined
}

/** Types and permissions in upper case; whether they exist is for the service to say. */
export interface InitialAuthorization {
  readonly ownerType: string
  readonly ownerId: string
  readonly resourceType: string
  /** `*`: all. */
  readonly resourceId: string
  readonly permissions: readonly string[]
}

export type LogPart = 'root' | 'authentication' | 'security'
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off'

/** What the operator should know at the start. */
export interface Notice {
  readonly level: 'info' | 'warn'
  readonly message: string
}
