import { z } from 'zod'
import type { AssertionAudience, AssertionReplay } from '../clients/index.ts'
import { nearestName } from '../nearest.ts'
import { Problem } from '../problem.ts'
import { instanceDialects } from '../tokens/index.ts'
import type { Instance } from './store.ts'

/**
 * The parameters of a service instance as the described systems write them (Cloud Integration's JSON, with
 * XSUAA's `oauth2-configuration` beside it).
 */
export interface InstanceParameters {
  readonly roles?: readonly string[] | undefined
  readonly grantTypes?: readonly string[] | undefined
  readonly redirectUris?: readonly string[] | undefined
  /** Seconds. */
  readonly tokenValidity?: number | undefined
  readonly tokenFormat?: 'jwt' | 'opaque' | undefined
  readonly bindTokens?: boolean | undefined
  readonly assertionAudience?: AssertionAudience | undefined
  readonly assertionReplay?: AssertionReplay | undefined
  /** Days. */
  readonly certificateOverlap?: number | undefined
  readonly dialect?: string | undefined
}

export const leastTokenValidity = 3600
export const mostTokenValidity = 86_400

const mostOverlapDays = 365

const grantTypes = z.array(z.string())
const redirectUris = z.array(z.url())
const wholeSeconds = z
  .int('must be a whole number of seconds')
  .min(leastTokenValidity, `must be at least ${leastTokenValidity} s`)
  .max(mostTokenValidity, `must be at most ${mostTokenValidity} s`)
/** A number, or its digits as text: forms send them so. */
const tokenValidity = z.preprocess(
  given => (typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : given),
  wholeSeconds,
)

/** The JSON of `instance create -c` and of the Open Service Broker. */
export const instanceParametersSchema = z.strictObject({
  roles: z.array(z.string()).optional(),
  'grant-types': grantTypes.optional(),
  'redirect-uris': redirectUris.optional(),
  'token-validity': tokenValidity.optional(),
  'token-format': z.enum(['jwt', 'opaque']).optional(),
  'bind-tokens': z.boolean().optional(),
  'assertion-audience': z.enum(['issuer', 'token-endpoint']).optional(),
  'assertion-replay': z.enum(['refused', 'reported']).optional(),
  'certificate-overlap': z
    .int('must be a whole number of days')
    .min(0, 'must be at least 0 days')
    .max(mostOverlapDays, `must be at most ${mostOverlapDays} days`)
    .optional(),
  dialect: z.enum(instanceDialects).optional(),
  'oauth2-configuration': z
    .strictObject({
      'token-validity': tokenValidity.optional(),
      'redirect-uris': redirectUris.optional(),
      'grant-types': grantTypes.optional(),
      'refresh-token-validity': z.unknown().optional(),
      'system-attributes': z.unknown().optional(),
      allowedproviders: z.unknown().optional(),
      'credential-types': z.unknown().optional(),
    })
    .optional(),
})

/** Reads instance parameters; every complaint names the member and what to write instead. */
export function readInstanceParameters(input: unknown): InstanceParameters | Problem {
  const parsed = instanceParametersSchema.safeParse(input ?? {})
  if (!parsed.success)
    return new Problem('invalid_input', `the instance parameters are not valid: ${explain(parsed.error)}`)
  const given = parsed.data
  const inner = given['oauth2-configuration']
  const types = given['grant-types'] ?? inner?.['grant-types']
  const grantProblem = types && checkGrantTypes(types)
  if (grantProblem) return grantProblem
  return {
    roles: given.roles && [...new Set(given.roles)],
    grantTypes: types && [...new Set(types)],
    redirectUris: given['redirect-uris'] ?? inner?.['redirect-uris'],
    tokenValidity: given['token-validity'] ?? inner?.['token-validity'],
    tokenFormat: given['token-format'],
    bindTokens: given['bind-tokens'],
    assertionAudience: given['assertion-audience'],
    assertionReplay: given['assertion-replay'],
    certificateOverlap: given['certificate-overlap'],
    dialect: given.dialect,
  }
}

/** The parameters that an instance has now, as they would be written to make it. */
export const instanceParametersOf = (instance: Instance) => ({
  roles: [...instance.roles],
  'grant-types': [...instance.grantTypes],
  'redirect-uris': [...instance.redirectUris],
  'token-validity': instance.tokenValidity,
  'token-format': instance.tokenFormat,
  'bind-tokens': instance.bindTokens,
  'assertion-audience': instance.assertionAudience,
  'assertion-replay': instance.assertionReplay,
  'certificate-overlap': instance.certificateOverlap,
  dialect: instance.dialect,
})

const supportedGrantTypes = ['client_credentials']

function checkGrantTypes(types: readonly string[]): Problem | undefined {
  if (types.includes('client_x509'))
    return new Problem(
      'invalid_input',
      'grant type client_x509 is deprecated: write "grant-types": ["client_credentials"] instead; the certificate is chosen by the type of the service key',
    )
  const other = types.find(type => !supportedGrantTypes.includes(type))
  if (other === undefined) return undefined
  return new Problem(
    'invalid_input',
    `grant type ${JSON.stringify(other)} is not supported: Countersign serves systems without a person, write "grant-types": ["client_credentials"]`,
  )
}

function explain(error: z.ZodError): string {
  return error.issues
    .map(issue => {
      const at = issue.path.join('.')
      if (issue.code !== 'unrecognized_keys') return `${at || 'the document'}: ${issue.message}`
      return issue.keys.map(key => unknownMember(at, key)).join('; ')
    })
    .join('; ')
}

function unknownMember(at: string, key: string): string {
  const near = nearestName(key, Object.keys(instanceParametersSchema.shape))
  return `unknown member ${at ? `${at}.` : ''}${key}${near ? `, did you mean ${near}?` : ''}`
}
