/** A service instance as a platform knows it, by an id of its own. */
export interface PlatformInstance {
  readonly tenantId: string
  /** The platform's. */
  readonly id: string
  readonly instanceId: string
  readonly organization: string
  readonly space: string
}

/** A service key as a platform knows it: a service binding. */
export interface PlatformBinding {
  readonly instanceId: string
  /** The platform's. */
  readonly id: string
  readonly credentialId: string
  /** What was asked for, to tell the same request from another one. */
  readonly requestDigest: string
  /** JSON: what a successor is made with. Holds no secret. */
  readonly parameters: string
}

/** The answer to a new binding, for the platform that did not hear it. */
export interface SealedAnswer {
  readonly credentialId: string
  readonly sealed: Buffer
  readonly keepUntil: number
}

/** They go with the instance and the key, whoever deletes these. */
export interface PlatformTable {
  instance(tenantId: string, id: string): Promise<PlatformInstance | undefined>
  insertInstance(instance: PlatformInstance): Promise<void>
  binding(instanceId: string, id: string): Promise<PlatformBinding | undefined>
  insertBinding(binding: PlatformBinding): Promise<void>
  answer(credentialId: string): Promise<SealedAnswer | undefined>
  keepAnswer(answer: SealedAnswer): Promise<void>
  hasAnswersUntil(time: number): Promise<boolean>
  deleteAnswersUntil(time: number): Promise<void>
}
