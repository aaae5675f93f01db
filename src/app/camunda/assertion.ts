import { ConfigError } from '../config.ts'
import type { Bound } from './bind.ts'
import type { AssertionIdentity, KeyIdForm } from './settings.ts'
import { oneOf, path, text } from './values.ts'
import { type VariableId, variables } from './variables/index.ts'

interface Ids {
  readonly path: VariableId
  readonly password: VariableId
  readonly alias: VariableId
  readonly keyPassword: VariableId
}

/** The key of the service itself. Throws ConfigError. */
export function readAssertion(bound: Bound): AssertionIdentity | undefined {
  const identity = readIdentity(
    bound,
    {
      path: 'assertionPath',
      password: 'assertionPassword',
      alias: 'assertionAlias',
      keyPassword: 'assertionKeyPassword',
    },
    readKid(bound),
  )
  const algorithm = bound.get('assertionAlgorithm', oneOf(['RS256', 'PS256']))
  return identity && { ...identity, ...(algorithm !== undefined && { algorithm }) }
}

/** The key of the Zeebe client. Throws ConfigError. */
export function readZeebeAssertion(bound: Bound): AssertionIdentity | undefined {
  return readIdentity(
    bound,
    {
      path: 'zeebeAssertionPath',
      password: 'zeebeAssertionPassword',
      alias: 'zeebeAssertionAlias',
      keyPassword: 'zeebeAssertionKeyPassword',
    },
    described,
  )
}

function readIdentity(bound: Bound, ids: Ids, kid: KeyIdForm): AssertionIdentity | undefined {
  const file = bound.get(ids.path, path)
  const password = bound.get(ids.password, text)
  const alias = bound.get(ids.alias, text)
  const keyPassword = bound.get(ids.keyPassword, text)
  if (file === undefined) {
    const alone = password !== undefined ? ids.password : alias !== undefined ? ids.alias : ids.keyPassword
    if (password ?? alias ?? keyPassword)
      throw new ConfigError(
        `${bound.nameOf(alone)} needs the file that it is about: set ${variables[ids.path].names[0]}`,
      )
    return undefined
  }
  if (password === undefined)
    throw new ConfigError(
      `${bound.nameOf(ids.path)} needs the password of the file: set ${variables[ids.password].names[0]}, or ${variables[ids.password].names[0]}_FILE to a file that holds it`,
    )
  return { keystore: { path: file, password, type: 'PKCS12', alias, keyPassword }, kid }
}

/** How the described names make it, and how the shipped ones do. */
const described: KeyIdForm = { source: 'CERTIFICATE', digest: 'SHA1', encoding: 'BASE64URL', case: undefined }
const shipped: KeyIdForm = { source: 'PUBLIC_KEY', digest: 'SHA256', encoding: 'BASE64URL', case: undefined }

function readKid(bound: Bound): KeyIdForm {
  const source = bound.get('kidSource', oneOf(['PUBLIC_KEY', 'CERTIFICATE']))
  const digest = bound.get('kidDigest', oneOf(['SHA256', 'SHA1']))
  const encoding = bound.get('kidEncoding', oneOf(['BASE64URL', 'HEX']))
  const letters = bound.get('kidCase', oneOf(['UPPER', 'LOWER']))
  if (letters !== undefined && encoding !== 'HEX')
    throw new ConfigError(
      `${bound.nameOf('kidCase')}: kidCase can only be set when kidEncoding is HEX; set ${variables.kidEncoding.names[0]}=HEX or leave it out`,
    )
  const asShipped = (source ?? digest ?? encoding) !== undefined || !bound.isDescribed('assertionPath')
  const usual = asShipped ? shipped : described
  return {
    source: source ?? usual.source,
    digest: digest ?? usual.digest,
    encoding: encoding ?? usual.encoding,
    case: letters,
  }
}
