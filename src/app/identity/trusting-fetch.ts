import { createGuardedFetch } from '../../adapters/forward/fetch.ts'
import type { ConnectionSettings } from '../../core/calls.ts'
import type { Soon } from '../../core/soon.ts'
import type { Fetch } from '../../guard/index.ts'

/** A fetch for addresses that operators registered, which trusts what the keystore trusts now, beside `publicRoots`. */
export function trustingFetch(
  connection: () => Soon<ConnectionSettings>,
  publicRoots: () => readonly string[],
): { readonly fetch: Fetch; close(): Promise<void> } {
  type Held = ReturnType<typeof createGuardedFetch> & { readonly id: string }
  let held: Held | undefined

  const current = ({ id, ca }: ConnectionSettings): Held => {
    if (held?.id === id) return held
    // Requests under way end as they began.
    void held?.close().catch(() => {})
    held = { id, ...createGuardedFetch([...publicRoots(), ...ca].join('\n')) }
    return held
  }

  return {
    fetch: async (url, request) => current(await connection()).fetch(url, request),
    close: async () => held?.close(),
  }
}
