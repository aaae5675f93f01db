/** A variable that this service acts on. */
export interface Variable {
  /**
   * All that it is called, in the spelling of the environment: the described name first, then those that mean the same.
   * `<n>` stands for a number from 0, `<role>` for the id of a role.
   */
  readonly names: readonly [string, ...string[]]
  /** What it does here, for the documentation. */
  readonly does: string
  /** Separated by commas, or one name for each element: `X_0`, `X_1`. */
  readonly list?: true
  /** Never shown; may be in a file that `..._FILE` names. */
  readonly secret?: true
}

/** A variable that may stay where it is, and changes nothing. */
export interface WithoutEffect {
  /** `*` at the end: all that begin so. */
  readonly name: string
  readonly because: string
  /** It belongs to programs that call the service: it alone does not start one. */
  readonly ofClients?: true
}
