import { type DerNode, fieldsOf, nullValue, oid, readOid, sequence, TAG } from './der.ts'

/** An AlgorithmIdentifier as read (RFC 5280 section 4.1.1.2). */
export interface Algorithm {
  readonly raw: Buffer
  readonly oid: string
  /** The encoding of the parameters, absent when there are none. */
  readonly parameters: Buffer | undefined
}

export function parseAlgorithm(node: DerNode): Algorithm {
  const fields = fieldsOf(node, 'AlgorithmIdentifier')
  const id = readOid(fields.required('algorithm', TAG.oid))
  // ANY: whatever follows is the parameters.
  const [, parameters] = node.children()
  if (parameters) fields.required('parameters')
  fields.end()
  return { raw: node.raw, oid: id, parameters: parameters?.raw }
}

/** DER of an AlgorithmIdentifier; `null` writes the NULL that RSA wants, `absent` the nothing of the others. */
export const encodeAlgorithm = (id: string, parameters: 'null' | 'absent'): Buffer =>
  sequence(parameters === 'null' ? [oid(id), nullValue()] : [oid(id)])
