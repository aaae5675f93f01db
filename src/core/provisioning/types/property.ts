import type { SystemRole } from '../store.ts'

/** A property that a system may have. Names and values are case-sensitive. */
export interface PropertySpec {
  readonly name: string
  readonly description: string
  /** Sealed, and never shown. */
  readonly credential?: true
  /** undefined: systems of every role. */
  readonly roles?: readonly SystemRole[]
  /** The only ones there are. */
  readonly values?: readonly string[]
  /** What is wrong with a value; undefined: nothing. */
  readonly wrong?: (value: string) => string | undefined
}

export const trueOrFalse = ['true', 'false'] as const

export function wholeNumber(from: number, to: number): (value: string) => string | undefined {
  return value =>
    /^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to
      ? undefined
      : `write a whole number from ${from} to ${to}, in digits only`
}

/** An address of HTTP. Plain HTTP is for this computer alone: credentials and people's data travel on it. */
export function address(value: string): string | undefined {
  if (!URL.canParse(value)) return 'write an address such as https://host/scim/v2'
  const { protocol, hostname, username, password, hash } = new URL(value)
  if (username !== '' || password !== '')
    return 'write no user and password into it: there are properties for them'
  if (hash !== '') return 'write it without a fragment (#...)'
  if (protocol === 'https:') return undefined
  const here = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'http:' && here
    ? undefined
    : 'write https:// - plain HTTP is for localhost only, since credentials and personal data would travel readable'
}

/** A property with its default. */
export const flag = (
  properties: Readonly<Record<string, string>>,
  name: string,
  otherwise: boolean,
): boolean => (properties[name] ?? String(otherwise)) === 'true'

export const numeric = (
  properties: Readonly<Record<string, string>>,
  name: string,
  otherwise: number,
): number => Number(properties[name] ?? otherwise)
