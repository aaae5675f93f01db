import { DerError, type DerNode, integer, readInteger } from '../der.ts'
import { authorityKeyIdentifier } from '../extensions/authority-key-identifier.ts'
import { type Extension, type ExtensionKind, extensionKind } from '../extensions/extension.ts'
import { issuingDistributionPoint } from '../extensions/issuing-distribution-point.ts'
import { OID } from '../oids.ts'

const numbering = (name: string, oid: string, critical: boolean): ExtensionKind<bigint> =>
  extensionKind({
    oid,
    critical,
    encode: integer,
    decode(node: DerNode) {
      const number = readInteger(node)
      if (number < 0n) throw new DerError(`${name} is negative`, node.offset)
      return number
    },
  })

/** RFC 5280 section 5.2.3. */
export const crlNumber = numbering('cRLNumber', OID.cRLNumber, false)

/** RFC 5280 section 5.2.4: the number of the list that a delta list adds to. */
const deltaCrlIndicator = numbering('deltaCRLIndicator', OID.deltaCRLIndicator, true)

/** THE LIST of extensions of revocation lists that we understand. */
const crlExtensions = {
  authorityKeyIdentifier,
  number: crlNumber,
  issuingDistributionPoint,
  deltaBase: deltaCrlIndicator,
} as const

type Kinds = typeof crlExtensions

/** What the extensions of a list say; a member is absent when it has no such extension. */
export type CrlExtensions = { readonly [Kind in keyof Kinds]?: ReturnType<Kinds[Kind]['parse']> }

const kindByOid = new Map(
  Object.entries(crlExtensions).map(([name, kind]) => [kind.oid as string, { name, kind }]),
)

/** Reads every extension of THE LIST; throws a DerError when one is malformed. */
export const parseCrlExtensions = (extensions: readonly Extension[]): CrlExtensions =>
  Object.fromEntries(
    extensions.flatMap(({ oid, value }) => {
      const row = kindByOid.get(oid)
      return row ? [[row.name, row.kind.parse(value)]] : []
    }),
  )

/** Identifiers of the critical extensions that are not in THE LIST. */
export const unknownCriticalOf = (extensions: readonly Extension[]): string[] =>
  extensions.filter(({ oid, critical }) => critical && !kindByOid.has(oid)).map(({ oid }) => oid)
