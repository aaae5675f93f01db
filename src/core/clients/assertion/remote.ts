import type { KeyObject } from 'node:crypto'
import { Refusal } from '../../../guard/access-token.ts'
import { FetchError, type FetchJson } from '../../../guard/fetch-json.ts'
import { type KeySource, remoteKeys } from '../../../guard/jwks.ts'
import { Unavailable } from '../../../guard/unavailable.ts'
import { BoundedCache } from '../../cache.ts'
import type { Context } from '../../context.ts'
import type { RemoteKeySets } from './keys.ts'

const rememberedSets = 1000

/**
 * Key sets at addresses that operators registered (`jwks_uri`): kept as their answers say, fetched at most every 30 s
 * for a `kid` that is not there, so that strangers cannot cause a storm of fetches (RFC 8725 section 3.10).
 */
export function createRemoteKeySets(
  fetchJson: FetchJson,
  { now, log }: Pick<Context, 'now' | 'log'>,
): RemoteKeySets {
  const sources = new BoundedCache<KeySource>(rememberedSets)

  function sourceOf(uri: string): KeySource {
    const known = sources.get(uri)
    if (known) return known
    const source = remoteKeys({
      locate: async () => new URL(uri),
      fetchJson: onlyJson(fetchJson),
      clock: now,
      onWarning: error => log.warn({ uri, error }, 'the keys of a client could not be fetched'),
    })
    sources.set(uri, source)
    return source
  }

  return {
    async find(uri, kid, alg): Promise<KeyObject | string> {
      const found = await sourceOf(uri).find(kid, alg)
      if (found instanceof Refusal) return found.reason
      if (found instanceof Unavailable) return `the keys at ${uri} cannot be had: ${found.reason}`
      // The set may name a key of this kid for another algorithm only.
      return found.algorithm.name === alg
        ? found.key
        : `the key of its kid is one for ${found.algorithm.name}, not ${alg}`
    },
  }
}

const jsonType = /^application\/([a-z0-9.-]+\+)?json *(;|$)/i

/** What does not call itself JSON is somebody's page, whatever it looks like (RFC 7517 section 8.5). */
function onlyJson(fetchJson: FetchJson): FetchJson {
  return async url => {
    const reply = await fetchJson(url)
    const type = String(reply.headers['content-type'] ?? '')
    if (jsonType.test(type)) return reply
    throw new FetchError(`${url.origin}${url.pathname} answered ${type || 'something'}, not application/json`)
  }
}
