import { parseIpAddress } from '../extensions/ip-address.ts'
import { nameIsWithin } from '../names.ts'
import { type ConstrainedName, type Subtrees, smtpUtf8Mailbox } from './constrained-names.ts'
import { shown } from './problem.ts'

type Form = 'dns' | 'email' | 'uri' | 'ip'
/** Is it in the subtree? `unclear` when it cannot be compared: then it is neither permitted nor not excluded. */
type Verdict = boolean | 'unclear'

/** RFC 5280 section 4.2.1.10, one row per form; an excluded subtree also catches a wildcard that reaches into it. */
const matchers: Readonly<Record<Form, (value: string, base: string, excluding: boolean) => Verdict>> = {
  dns(value, base, excluding) {
    if (!/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(value)) return 'unclear'
    if (hostIsWithin(value, base)) return true
    const [, label = '', parent = ''] = /^([^.]+)\.(.+)$/.exec(base) ?? []
    return excluding && label !== '' && sameText(value, `*.${parent}`)
  },

  email(value, base) {
    const at = value.lastIndexOf('@')
    if (at < 1 || at === value.length - 1) return 'unclear'
    const [local, host] = [value.slice(0, at), value.slice(at + 1)]
    // Two @ where none is quoted: who reads it from the front finds another host.
    if (local.includes('@') && !/^".*"$/.test(local)) return 'unclear'
    const baseAt = base.lastIndexOf('@')
    if (baseAt === -1) return base.startsWith('.') ? isBelow(host, base) : sameText(host, base)
    const baseLocal = base.slice(0, baseAt)
    return (baseLocal === '' || local === baseLocal) && sameText(host, base.slice(baseAt + 1))
  },

  uri(value, base) {
    // User information and IP literals are not told from host names by everybody: neither is let through.
    const host = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9_.-]+)(?::\d*)?(?:[/?#]|$)/i.exec(value)?.[1]
    if (host === undefined || parseIpAddress(host)) return 'unclear'
    return base.startsWith('.') ? isBelow(host, base) : sameText(host, base)
  },

  ip(value, base) {
    const [network = '', prefix = '0'] = base.split('/')
    const [octets, start] = [parseIpAddress(value), parseIpAddress(network)]
    if (!octets || !start) return 'unclear'
    return octets.length === start.length && samePrefix(octets, start, Number(prefix))
  },
}

const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const isBelow = (host: string, suffix: string): boolean =>
  host.length > suffix.length && host.toLowerCase().endsWith(suffix.toLowerCase())

/** The empty base is every host; a leading dot asks for one label more at least, as every validator takes it. */
const hostIsWithin = (host: string, base: string): boolean =>
  base === '' || sameText(host, base) || isBelow(host, base.startsWith('.') ? base : `.${base}`)

function samePrefix(a: Buffer, b: Buffer, bits: number): boolean {
  return a.every((octet, i) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff
    return (octet & mask) === (b[i]! & mask)
  })
}

function within(name: ConstrainedName, base: ConstrainedName, excluding: boolean): Verdict {
  if (name.form === 'dn') return base.form === 'dn' && nameIsWithin(name.name, base.name)
  if ('value' in name && 'value' in base) return matchers[name.form](name.value, base.value, excluding)
  return 'unclear'
}

/** Does a constraint on `base` bind this name? */
const binds = (base: ConstrainedName, name: ConstrainedName): boolean =>
  base.form === name.form || (base.form === 'email' && name.form === smtpUtf8Mailbox)

/** Why the names break the constraints of one issuer, with the name; undefined when they do not. */
export function constraintProblem(
  names: readonly ConstrainedName[],
  { permitted, excluded }: Subtrees,
): string | undefined {
  for (const name of names) {
    const allowed = permitted.filter(base => binds(base, name)).map(base => within(name, base, false))
    const denied = excluded.filter(base => binds(base, name)).map(base => within(name, base, true))
    if (allowed.includes('unclear') || denied.includes('unclear'))
      return `${show(name)} cannot be compared with the constraints that bind names of its form`
    if (allowed.length > 0 && !allowed.includes(true))
      return `${show(name)} is in none of the permitted subtrees`
    if (denied.includes(true)) return `${show(name)} is in an excluded subtree`
  }
  return undefined
}

function show(name: ConstrainedName): string {
  if (name.form === 'dn') return `the subject or directory name ${shown(name.name)}`
  return 'value' in name
    ? `the ${name.form} name ${JSON.stringify(name.value.slice(0, 256))}`
    : 'a name of a rare form'
}
