import type { LookupAddress, LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isLinkLocal } from '../../core/network.ts'

export function linkLocal(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ELINKLOCAL' })
}

type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/** Name resolution that gives no link-local address, whatever the name server says. */
export const lookupWithoutLinkLocal =
  (resolver: Resolver): LookupFunction =>
  (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0)
      const usable = found.filter(({ address }) => !isLinkLocal(address))
      const [first] = usable
      if (!first) return callback(linkLocal(`${hostname} has link-local addresses only`), '', 0)
      if (options.all) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
