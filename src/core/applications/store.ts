import type { AssertionReplay } from '../clients/index.ts'

/** An application (Microsoft Entra): a client by its credentials, and a resource by its roles. */
export interface Application {
  /** The credential id: random, internal, never used again. */
  readonly id: string
  readonly tenantId: string
  /** A GUID, in lower case. */
  readonly clientId: string
  /** GUID of its service principal: `oid` and `sub` of its tokens. */
  readonly objectId: string
  /** Unique in the tenant. */
  readonly name: string
  /** By which clients may ask for tokens for it, beside its GUID. */
  readonly idUri: string | undefined
  /** How tokens for it look, whoever asks for them and where. */
  readonly tokenVersion: 1 | 2
  /** Are tokens for it only issued to applications that hold one of its roles? */
  readonly assignmentRequired: boolean
  /** What is done about an assertion of its own that comes again. */
  readonly assertionReplay: AssertionReplay
  readonly disabled: boolean
  readonly generation: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** What an application offers to others. */
export interface AppRole {
  /** A GUID. */
  readonly id: string
  /** As in the claim `roles`. */
  readonly value: string
  readonly displayName: string
  readonly enabled: boolean
}

export interface AppCertificate {
  /** `x5t#S256`. */
  readonly thumbprint: string
  readonly der: Buffer
  readonly notBefore: number
  readonly notAfter: number
  readonly createdAt: number
}

export interface AppSecret {
  /** A GUID. */
  readonly id: string
  readonly digest: Buffer
  readonly createdAt: number
  /** undefined: does not expire. */
  readonly expiresAt: number | undefined
}

/** A role of one application that another one holds; `applicationId` and `resourceId` are internal ids. */
export interface AppGrant {
  readonly applicationId: string
  readonly resourceId: string
  readonly roleId: string
  readonly createdAt: number
}

/** The same in words. */
export interface GrantedRole {
  readonly resourceId: string
  readonly resourceName: string
  readonly resourceClientId: string
  readonly roleId: string
  readonly role: string
  readonly createdAt: number
}

/** What belongs to one application. */
export interface ApplicationParts {
  readonly roles: readonly AppRole[]
  readonly certificates: readonly AppCertificate[]
  readonly secrets: readonly AppSecret[]
  readonly grants: readonly GrantedRole[]
}

/** An application whose last certificate ends. */
export interface EndingApplication {
  readonly tenantName: string
  readonly name: string
  readonly clientId: string
  readonly thumbprint: string
  readonly notAfter: number
}

/** Whom a change is announced for. */
export type AppRef = Pick<Application, 'id' | 'tenantId' | 'clientId'>

export interface ApplicationTable {
  /** By name. */
  list(tenantId: string): Promise<Application[]>
  count(tenantId: string): Promise<number>
  /** By client id, App ID URI or name, whichever fits first. */
  find(tenantId: string, reference: string): Promise<Application | undefined>
  /** By client id or App ID URI. */
  resource(tenantId: string, address: string): Promise<Application | undefined>
  insert(application: Application): Promise<void>
  /** Replaces everything but ids, tenant, generation and creation date. */
  update(application: Application): Promise<void>
  delete(application: AppRef): Promise<void>

  /** In the order of their values. */
  roles(applicationId: string): Promise<AppRole[]>
  /** Of several applications, in the same orders as one by one. */
  partsOf(applicationIds: readonly string[]): Promise<ReadonlyMap<string, ApplicationParts>>
  putRole(application: AppRef, role: AppRole): Promise<void>
  deleteRole(application: AppRef, roleId: string): Promise<void>

  /** Of those that are enabled, in all tenants, and whose certificates all end before `time`: the last of each. */
  endingBefore(time: number): Promise<EndingApplication[]>
  /** Oldest first. */
  certificates(applicationId: string): Promise<AppCertificate[]>
  insertCertificate(application: AppRef, certificate: AppCertificate): Promise<void>
  deleteCertificate(application: AppRef, thumbprint: string): Promise<void>

  /** Oldest first. */
  secrets(applicationId: string): Promise<AppSecret[]>
  insertSecret(application: AppRef, secret: AppSecret): Promise<void>
  deleteSecret(application: AppRef, id: string): Promise<void>

  /** What an application holds. */
  grants(applicationId: string): Promise<GrantedRole[]>
  /** Values of the enabled roles of a resource that an application holds. */
  rolesAt(applicationId: string, resourceId: string): Promise<string[]>
  /** Inserting the same grant again changes nothing. */
  insertGrant(grant: AppGrant): Promise<void>
  deleteGrant(grant: Omit<AppGrant, 'createdAt'>): Promise<void>
}
