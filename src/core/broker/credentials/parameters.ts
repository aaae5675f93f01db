import { z } from 'zod'
import { keyLengths } from '../../../crypto/key-pair.ts'
import { Problem } from '../../problem.ts'
import type { CredentialParameters } from './credential.ts'

/** What the described JSON of a certificate says, with its bounds. */
export const validity = z
  .int('must be a whole number of days')
  .min(1, 'must be at least 1 day')
  .max(365, 'must be at most 365 days')

export const keyLength = z.literal([...keyLengths], {
  error: 'must be 2048, 3072 or 4096 (RSA), 256 (P-256) or 384 (P-384)',
})

/** Reads what a kind understands; a complaint names the member. */
export function readKeyParameters<Schema extends z.ZodType>(
  type: string,
  schema: Schema,
  parameters: CredentialParameters,
): z.infer<Schema> | Problem {
  const read = schema.safeParse(parameters)
  if (read.success) return read.data
  const told = read.error.issues.map(issue =>
    issue.code === 'unrecognized_keys'
      ? `unknown member ${issue.keys.join(', ')}`
      : `${issue.path.join('.')}: ${issue.message}`,
  )
  return new Problem(
    'invalid_input',
    `the parameters of a key of type ${type} are not valid: ${told.join('; ')}`,
  )
}

/** For kinds that need none. */
export function noParameters(type: string, parameters: CredentialParameters): Problem | undefined {
  const read = readKeyParameters(type, z.strictObject({}), parameters)
  return read instanceof Problem ? read : undefined
}

/** The members of `key create -c`: a kind, and what the kind understands. */
export const keyParametersSchema = z.looseObject({ 'key-type': z.string().optional() })
export type KeyParameters = z.infer<typeof keyParametersSchema>

const xsuaaTypes: Readonly<Record<string, string>> = { 'binding-secret': 'secret', x509: 'certificate' }

/**
 * The kind and its parameters, from Cloud Integration's JSON (`key-type`, `validity`, `key-length`, `X.509`) or
 * XSUAA's (`credential-type` with `x509`), whose members say the same.
 */
export function readKeyRequest(
  input: KeyParameters,
): { type: string; parameters: CredentialParameters } | Problem {
  const { 'key-type': type, 'credential-type': xsuaaType, x509, 'hide-secret': _, ...rest } = input
  if (xsuaaType === undefined && x509 === undefined) return { type: type ?? 'secret', parameters: rest }
  const read = xsuaaSchema.safeParse({ 'credential-type': xsuaaType, x509 })
  if (!read.success || type !== undefined)
    return new Problem(
      'invalid_input',
      `the key parameters are not valid: ${
        type !== undefined
          ? 'key-type and credential-type say the same; write one'
          : read.error!.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; ')
      }`,
    )
  const {
    certificate,
    'validity-type': __,
    'ensure-uniqueness': ___,
    'hide-certificate': ____,
    ...own
  } = read.data.x509 ?? {}
  if (certificate === undefined)
    return { type: xsuaaTypes[read.data['credential-type']]!, parameters: { ...rest, ...own } }
  return { type: 'certificate_external', parameters: { ...rest, ...own, 'X.509': certificate } }
}

/** XSUAA's spelling of the same. */
export const xsuaaSchema = z.strictObject({
  'credential-type': z.enum(['binding-secret', 'x509']),
  x509: z
    .strictObject({
      'key-length': keyLength.optional(),
      validity: validity.optional(),
      'validity-type': z.literal('DAYS', { error: 'must be DAYS' }).optional(),
      certificate: z.string().optional(),
      'certificate-pinning': z.boolean().optional(),
      'ensure-uniqueness': z.boolean().optional(),
      'hide-certificate': z.boolean().optional(),
      csr: z.string().optional(),
    })
    .optional(),
})
