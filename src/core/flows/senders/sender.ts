/** How messages of one kind reach the worker node. To add one: a file, and a line in the list of `index.ts`. */
export interface SenderAdapter {
  /** As written in the flow file. */
  readonly kind: string
  /** Stands before the flow's address, after `/tenants/NAME`. */
  readonly prefix: string
  /** Others get 405. */
  readonly methods: ReadonlySet<string>
  /**
   * The caller's headers that go on, as a flat list of name, value, name, value. `allowed`: what the flow lets
   * through besides, from `allowedHeaderSet`.
   */
  headers(rawHeaders: readonly string[], allowed: ReadonlySet<string>): string[]
}
