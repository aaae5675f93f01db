import { DerError } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from './general-name.ts'
import { parseIpAddress } from './ip-address.ts'

const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** Is it a host name in preferred syntax (RFC 1034 section 3.5), possibly with `*` as its first label? */
export function isDnsName(text: string): boolean {
  const labels = text.split('.')
  if (labels[0] === '*' && labels.length > 2) labels.shift()
  return text.length <= 253 && labels.every(part => label.test(part))
}

/** What a name of each kind must look like when we issue it; what others issued is read as it is. */
const rules: Partial<Record<GeneralName['kind'], (value: string) => boolean>> = {
  dns: value => isDnsName(value) && parseIpAddress(value) === undefined,
  email: value => /^[!-?A-~]+@[^@]+$/.test(value) && isDnsName(value.slice(value.indexOf('@') + 1)),
  uri: value => /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value),
}

/** RFC 5280 section 4.2.1.6: names of the subject; critical when its distinguished name is empty. */
export const subjectAltName = extensionKind<readonly GeneralName[]>({
  oid: OID.subjectAltName,
  critical: false,
  encode(names) {
    for (const name of names) {
      if ('value' in name && rules[name.kind]?.(name.value) === false)
        throw new DerError(`subjectAltName: "${name.value}" is no valid name of kind ${name.kind}`)
    }
    return encodeGeneralNames(names)
  },
  decode: node => decodeGeneralNames(node, 'subjectAltName'),
})
