import { type DerNode, tagName } from './der-reader.ts'
import { DerError, TAG } from './der-tag.ts'

/** The members of a SEQUENCE, taken one after the other as its ASN.1 definition lists them. */
export interface DerFields {
  /** The next member, which must be there; with `identifier`, it must have that identifier octet. */
  required(what: string, identifier?: number): DerNode
  /** The next member if it has that identifier octet. */
  optional(identifier: number): DerNode | undefined
  /** The next member if it has one of these identifier octets. */
  optionalOf(identifiers: readonly number[]): DerNode | undefined
  /** Throws if a member is left: to be called after the last one. */
  end(): void
}

/** Opens a SEQUENCE, or with `identifier` what is tagged as one. `name` is for error messages. */
export function fieldsOf(node: DerNode, name: string, identifier: number = TAG.sequence): DerFields {
  if (node.identifier !== identifier)
    throw new DerError(
      `${name}: ${tagName(identifier)} expected, found ${tagName(node.identifier)}`,
      node.offset,
    )
  const members = node.children()
  let next = 0
  const optionalOf = (identifiers: readonly number[]) => {
    const member = members[next]
    if (!member || !identifiers.includes(member.identifier)) return undefined
    next++
    return member
  }
  return {
    required(what, wanted) {
      const member = members[next++]
      if (!member) throw new DerError(`${name}: ${what} is missing`, node.offset)
      if (wanted !== undefined && member.identifier !== wanted)
        throw new DerError(
          `${name}: ${what} is ${tagName(member.identifier)}, not ${tagName(wanted)}`,
          member.offset,
        )
      return member
    },
    optional: wanted => optionalOf([wanted]),
    optionalOf,
    end() {
      const member = members[next]
      if (member) throw new DerError(`${name}: unexpected ${tagName(member.identifier)}`, member.offset)
    },
  }
}

/** The members of a SEQUENCE OF, of which there must be at least one (SIZE 1..MAX). */
export function membersOf(
  node: DerNode,
  name: string,
  identifier: number = TAG.sequence,
): readonly DerNode[] {
  if (node.identifier !== identifier)
    throw new DerError(
      `${name}: ${tagName(identifier)} expected, found ${tagName(node.identifier)}`,
      node.offset,
    )
  if (node.children().length === 0) throw new DerError(`${name} is empty`, node.offset)
  return node.children()
}

/** What an EXPLICIT tag wraps: exactly one encoding. */
export function explicitContent(node: DerNode, name: string): DerNode {
  const [inner, ...others] = node.children()
  if (!inner || others.length > 0)
    throw new DerError(`${name}: one value expected inside the tag`, node.offset)
  return inner
}
