/** What a connection is tried to, and with what. */
export interface ProbeTarget {
  readonly host: string
  readonly port: number
  /** The client certificate to show, if it is asked for: PEM of the chain, and of the key. */
  readonly identity?: { readonly cert: string; readonly key: string } | undefined
}

/** Where a connection came to an end. */
export interface ProbeFailure {
  readonly step: 'name' | 'connection' | 'tls' | 'client certificate'
  /** As the operating system or TLS calls it, such as ECONNREFUSED. */
  readonly code: string
  readonly message: string
}

/** What was seen of a server; nothing of it is judged. */
export interface Probed {
  /** All addresses that the name has. */
  readonly addresses: readonly string[]
  /** The one that answered. */
  readonly address: string | undefined
  readonly tls:
    | {
        readonly protocol: string
        readonly cipher: string
        /** DER, exactly as sent: the server's own first. */
        readonly certificates: readonly Buffer[]
        /** undefined: no client certificate was asked for. `authorities`: DER of the names that were told. */
        readonly certificateRequest: { readonly authorities: readonly Buffer[] } | undefined
      }
    | undefined
  readonly failure: ProbeFailure | undefined
}

/** Makes a TLS connection and tells what happened; whoever the server is, it is taken. Never rejects. */
export interface Probe {
  probe(target: ProbeTarget): Promise<Probed>
  /** DER of the roots that this computer trusts. */
  publicRoots(): readonly Buffer[]
}
