import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface OidcProviderOptions {
  readonly tls: { readonly cert: string; readonly key: string }
  /** PEM of the root of its clients' certificates. */
  readonly clientRoot: string
  /** Of the client `holder`: one name on a line, as node:tls has it. */
  readonly certificateSubject: string
  readonly jwks: { readonly keys: readonly object[] }
}

/** A token server of others in a process of its own: oidc-provider, as its owner runs it. */
export interface OidcProvider {
  readonly issuer: string
  /** Of its clients `basic` and `post`. */
  readonly secret: string
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '..', 'interop', 'programs', 'oidc-provider.mjs')

export async function startOidcProvider(options: OidcProviderOptions): Promise<OidcProvider> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { issuer, client_secret: secret } = JSON.parse(line)
  return {
    issuer,
    secret,
    async stop() {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
