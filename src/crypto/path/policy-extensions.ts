import type { Certificate } from '../certificate.ts'
import {
  contextPrimitive,
  DerError,
  type DerNode,
  fieldsOf,
  membersOf,
  readDer,
  readInteger,
  readOid,
  TAG,
} from '../der.ts'

/** The four extensions of certificate policies (RFC 5280 sections 4.2.1.4, .5, .11 and .14), as path validation needs them. */
export interface PolicyExtensions {
  readonly policies?: ReadonlySet<string>
  /** Policy of the issuer -> those of the subject that it stands for. */
  readonly mappings?: ReadonlyMap<string, ReadonlySet<string>>
  readonly requireExplicitPolicy?: number
  readonly inhibitPolicyMapping?: number
  readonly inhibitAnyPolicy?: number
}

export const anyPolicy = '2.5.29.32.0'

const readers = new Map<string, (node: DerNode) => PolicyExtensions>([
  ['2.5.29.32', readPolicies],
  ['2.5.29.33', readMappings],
  ['2.5.29.36', readConstraints],
  ['2.5.29.54', node => ({ inhibitAnyPolicy: readSkipCerts(node) })],
])

export const isPolicyExtension = (oid: string): boolean => readers.has(oid)

/** Throws a DerError when one is malformed. */
export const readPolicyExtensions = ({ extensions }: Certificate): PolicyExtensions =>
  Object.assign({}, ...extensions.map(({ oid, value }) => readers.get(oid)?.(readDer(value))))

function readPolicies(node: DerNode): PolicyExtensions {
  const found = membersOf(node, 'certificatePolicies').map(member => {
    const fields = fieldsOf(member, 'policy information')
    const policy = readOid(fields.required('policyIdentifier'))
    fields.optional(TAG.sequence)
    fields.end()
    return policy
  })
  const policies = new Set(found)
  if (policies.size < found.length) throw new DerError('certificatePolicies: a policy occurs twice')
  return { policies }
}

function readMappings(node: DerNode): PolicyExtensions {
  const mappings = new Map<string, Set<string>>()
  for (const member of membersOf(node, 'policyMappings')) {
    const fields = fieldsOf(member, 'policy mapping')
    const issuer = readOid(fields.required('issuerDomainPolicy'))
    const subject = readOid(fields.required('subjectDomainPolicy'))
    fields.end()
    const subjects = mappings.get(issuer)
    if (subjects) subjects.add(subject)
    else mappings.set(issuer, new Set([subject]))
  }
  return { mappings }
}

function readConstraints(node: DerNode): PolicyExtensions {
  const fields = fieldsOf(node, 'policyConstraints')
  const explicit = fields.optional(contextPrimitive(0))
  const mapping = fields.optional(contextPrimitive(1))
  fields.end()
  if (!explicit && !mapping) throw new DerError('policyConstraints: empty', node.offset)
  return {
    ...(explicit && { requireExplicitPolicy: readSkipCerts(explicit, contextPrimitive(0)) }),
    ...(mapping && { inhibitPolicyMapping: readSkipCerts(mapping, contextPrimitive(1)) }),
  }
}

// No path is as long, and the bound keeps the number exact.
const mostSkipped = 0xffff

function readSkipCerts(node: DerNode, identifier?: number): number {
  const skipped = readInteger(node, identifier)
  if (skipped < 0n) throw new DerError('negative number of certificates to skip', node.offset)
  return skipped > mostSkipped ? mostSkipped : Number(skipped)
}
