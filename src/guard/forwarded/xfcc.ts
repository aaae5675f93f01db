import { hash } from 'node:crypto'
import { readEscapedPem } from './escaped-pem.ts'
import { type Forwarded, type ForwardedForm, Unreadable } from './form.ts'

/**
 * `x-forwarded-client-cert` as Envoy writes it: elements with commas between them, one per hop, each made of
 * `Key=value` with semicolons between them; some values stand in quotes, a quote in them as `\"`.
 *
 * Only the last element is read, the one that the trusted hop itself wrote: those before it are what a caller or an
 * earlier hop said. So the hop must be told to set (`SANITIZE_SET`, the better choice) or append (`APPEND_FORWARD`),
 * never to forward alone, and to include `Cert`.
 */
export const xfcc: ForwardedForm = {
  name: 'x-forwarded-client-cert of Envoy',
  // A base64 text has "=" at its end alone.
  recognises: value => /^[A-Za-z]+=(?!=?$)/.test(value),
  read: value => readElement(lastElement(value)),
}

const single = ['cert', 'chain', 'hash']

function readElement(element: ReadonlyMap<string, readonly string[]>): Forwarded {
  for (const key of single)
    if ((element.get(key)?.length ?? 0) > 1)
      throw new Unreadable(`has ${key} several times in its last element`)
  const [cert, chain, digest] = single.map(key => element.get(key)?.[0])
  if (!cert) throw new Unreadable('has no Cert in its last element: the proxy must be told to include it')
  const [leaf, ...others] = readEscapedPem(cert)
  if (others.length > 0) throw new Unreadable('has several certificates in Cert')
  if (digest !== undefined && digest.toLowerCase() !== hash('sha256', leaf, 'hex'))
    throw new Unreadable('has a Hash that is not that of Cert')
  if (!chain) return { leaf, chain: [] }
  // Envoy's Chain is the whole of it, the leaf first.
  const [first, ...rest] = readEscapedPem(chain)
  if (!first.equals(leaf)) throw new Unreadable('has a Chain that does not begin with Cert')
  return { leaf, chain: rest }
}

const keyAndValue = /([A-Za-z]+)=(?:"((?:[^"\\]|\\"|\\+(?![\\"]))*)"|([^",;\\]*))([,;]|$)[ \t]*/y

/**
 * Envoy writes names from the client's certificate (URI, DNS) without quotes, whatever they hold: a name such as
 * `,Cert=...` would look like a last element. The keys here hold nothing that a client chose.
 */
const unquotedBefore: ReadonlySet<string> = new Set(['by', 'hash', 'cert', 'chain'])

/**
 * Keys (in lower case) and values of the last element. Every element is read to get there, and anything that is not as
 * Envoy writes it refuses the whole: else an open quote in what a caller sent could make a part of one value look like
 * an element. Two backslashes before a quote are refused too: whether the quote ends the value depends on who escaped
 * what.
 */
function lastElement(value: string): ReadonlyMap<string, readonly string[]> {
  let element = new Map<string, string[]>()
  let mark = ','
  let freeText = false
  keyAndValue.lastIndex = 0
  while (mark !== '') {
    if (mark === ',') {
      if (freeText)
        throw new Unreadable('has several elements, and URI or DNS before the last: use SANITIZE_SET')
      element = new Map()
    }
    const found = keyAndValue.exec(value)
    if (!found) throw new Unreadable('is no list of Key=value, or has quotes that cannot be told apart')
    const [, name, quoted, unquoted] = found
    const key = name!.toLowerCase()
    element.set(key, [...(element.get(key) ?? []), quoted ?? unquoted ?? ''])
    freeText ||= quoted === undefined && !unquotedBefore.has(key)
    mark = found[4]!
  }
  return element
}
