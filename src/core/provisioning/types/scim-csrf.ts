import type { SystemCall, SystemCalls } from '../calls.ts'
import type { SystemAnswer } from '../http.ts'
import type { OpenedSystem } from '../systems/opened.ts'

/** A token against forged requests, with the session that it belongs to. */
type Token = Readonly<Record<string, string>>

/** Writes; where `scim.api.csrf.protection` is enabled with the token that the system hands out for it. */
export function csrfGuard({ properties }: OpenedSystem, calls: SystemCalls) {
  if (properties['scim.api.csrf.protection'] !== 'enabled') return calls.once
  const path = properties['scim.csrf.token.path'] ?? '/ServiceProviderConfig'
  let token: Promise<Token> | undefined

  async function fetch(): Promise<Token> {
    const { headers } = await calls.once({ method: 'GET', path, headers: { 'x-csrf-token': 'Fetch' } })
    const given = [headers['x-csrf-token']].flat()[0]
    const cookies = [headers['set-cookie']].flat().flatMap(cookie => cookie?.split(';')[0] ?? [])
    return {
      ...(given !== undefined && { 'x-csrf-token': given }),
      ...(cookies.length > 0 && { cookie: cookies.join('; ') }),
    }
  }

  return async (call: SystemCall): Promise<SystemAnswer> => {
    const used = token ?? fetch()
    token = used
    const protectedCall = async () => ({ ...call, headers: { ...call.headers, ...(await used) } })
    const answer = await calls.once({
      ...(await protectedCall().catch(error => {
        token = undefined
        throw error
      })),
      expect: [...(call.expect ?? []), 403],
    })
    const isStale = /^required$/i.test([answer.headers['x-csrf-token']].flat()[0] ?? '')
    if (answer.status !== 403) return answer
    // Another call may have got a new one meanwhile. What is refused for another reason is refused again.
    if (token === used && isStale) token = undefined
    token ??= fetch()
    return calls.once({ ...call, headers: { ...call.headers, ...(await token) } })
  }
}
