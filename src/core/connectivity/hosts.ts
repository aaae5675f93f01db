/**
 * Does one of the names of a certificate fit the host (RFC 6125 section 6.4)? A wildcard stands for the whole of the
 * first label, and for no less than the third from the right; addresses fit only as they are.
 */
export function hostFits(host: string, names: readonly string[]): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '')
  return names.some(name => {
    const given = name.toLowerCase().replace(/\.$/, '')
    if (given === wanted) return true
    const parent = /^\*\.([^.]+\..+)$/.exec(given)?.[1]
    return parent !== undefined && wanted.slice(wanted.indexOf('.') + 1) === parent && wanted.includes('.')
  })
}
