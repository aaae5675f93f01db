import type { Certificate } from '../certificate.ts'
import { DerError, readDer, TAG } from '../der.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import type { CertificateExtensions, certificateExtensions } from '../extensions/index.ts'
import { type Name, parseName } from '../names.ts'
import { nameAttributeTypes } from '../oids.ts'

/** A name of a subject, or the base of a subtree, by its form; forms that we do not look into are told apart by an id. */
export type ConstrainedName =
  | { readonly form: 'dns' | 'email' | 'uri' | 'ip'; readonly value: string }
  | { readonly form: 'dn'; readonly name: Name }
  | { readonly form: `other ${string}` }

export interface Subtrees {
  readonly permitted: readonly ConstrainedName[]
  readonly excluded: readonly ConstrainedName[]
}

/** Throws a DerError for an otherName without a type. */
export function constrainedName(name: GeneralName): ConstrainedName {
  switch (name.kind) {
    case 'dn':
      return { form: 'dn', name: parseName(name.name.raw) }
    case 'other':
      return { form: `other ${name.number === 0 ? otherNameType(name.raw) : name.number}` }
    default:
      return { form: name.kind, value: name.value }
  }
}

/** otherName is as many forms as it has types (RFC 5280 section 4.2.1.10 leaves it to each type's definition). */
function otherNameType(raw: Buffer): string {
  const [type] = readDer(raw).children()
  if (type?.identifier !== TAG.oid) throw new DerError('otherName without a type')
  return type.content.toString('hex')
}

/** otherName of type id-on-SmtpUTF8Mailbox (RFC 9598): an e-mail address that constraints of e-mail bind. */
export const smtpUtf8Mailbox = `other ${Buffer.from([0x2b, 6, 1, 5, 5, 7, 8, 9]).toString('hex')}` as const

const oidOf = (type: string): string => nameAttributeTypes.find(row => row.type === type)?.oid ?? type
const [emailAddress, commonName] = [oidOf('emailAddress'), oidOf('CN')]

/**
 * All names of a certificate that constraints bind: the subject, e-mail addresses in it, and every subjectAltName.
 * With `asHost`, a CN that looks like a host name counts as a dNSName where the certificate has none: software that
 * takes it for one exists. Throws a DerError.
 */
export function constrainedNames(
  { subject }: Certificate,
  { subjectAltName = [] }: Pick<CertificateExtensions, 'subjectAltName'>,
  asHost: boolean,
): readonly ConstrainedName[] {
  const alternatives = subjectAltName.map(constrainedName)
  const attributes = subject.rdns.flat()
  const values = (oid: string) =>
    attributes.flatMap(attribute => (attribute.oid === oid ? [attribute.value ?? ''] : []))
  const hosts = asHost && !alternatives.some(({ form }) => form === 'dns') ? values(commonName) : []
  return [
    ...(subject.rdns.length > 0 ? [{ form: 'dn', name: subject } as const] : []),
    ...values(emailAddress).map(value => ({ form: 'email', value }) as const),
    ...hosts.filter(looksLikeHost).map(value => ({ form: 'dns', value }) as const),
    ...alternatives,
  ]
}

/** Two labels at least, as openssl judges it. */
const looksLikeHost = (text: string): boolean =>
  text.includes('.') &&
  /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i.test(text)

/** The subtrees that an issuer puts on everything below it. Throws a DerError. */
export const subtreesOf = ({
  permitted = [],
  excluded = [],
}: ReturnType<typeof certificateExtensions.nameConstraints.parse>): Subtrees => ({
  permitted: permitted.map(constrainedName),
  excluded: excluded.map(constrainedName),
})
