/** A runtime node that runs flows has a name that ends in one of these. */
export const nodeTypes: readonly string[] = ['iflmap', 'hcioem']

/** Exists from the start: where flows are deployed to, and clients subscribed to, when nothing else is said. */
export const defaultNode = 'default.iflmap'

/** Why it is no name of a runtime node that runs flows; undefined: it is one. */
export function wrongNode(node: string): string | undefined {
  const typed = nodeTypes.some(type => node.endsWith(type) && node.length > type.length)
  return typed && /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/.test(node)
    ? undefined
    : `write the name of a runtime node, which ends in ${nodeTypes.join(' or ')}, such as ${defaultNode}`
}
