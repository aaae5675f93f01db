import type { ConnectionSettings } from '../calls.ts'

/** A call of a system. */
export interface SystemRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly connection: ConnectionSettings | undefined
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface SystemAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Calls a system; follows no redirect. Throws NoAnswer. */
export type SystemHttp = (request: SystemRequest) => Promise<SystemAnswer>

/** No whole answer came. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly kind: 'unreachable' | 'untrusted' | 'timeout' | 'broken' | 'too large' | 'stopped'

  constructor(kind: NoAnswer['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
