// What the identity service is asked with in a benchmark: tokens of an issuer of its own, sessions, mapping rules.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { readIdentitySettings } from '../../dist/app/camunda/read.js'
import { prepareIdentity } from '../../dist/app/identity/initialize.js'
import { resolve } from '../../dist/core/identity/index.js'
import { loopMicroseconds } from './loop.mjs'

const issuer = 'https://issuer.example'
const variable = 'CAMUNDA_SECURITY_AUTHENTICATION_'
/** So many claims have rules about them. */
const ruledClaims = 10

/** `way`: `token`, `session`, `certificate` or `nothing`; `rules`: so many, of which the caller fulfils ten. */
export const identityOf = async ({ way, rules = 0, root }) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' }
  const keys = createServer((_, response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: [jwk] })),
  )
  await new Promise(done => keys.listen(0, '127.0.0.1', done))
  keys.unref()
  const env = {
    SERVER_PORT: '8080',
    [`${variable}METHOD`]: 'OIDC',
    CAMUNDA_IDENTITY_ISSUER: issuer,
    CAMUNDA_IDENTITY_AUDIENCE: 'bench',
    [`${variable}OIDC_JWK_SET_URI`]: `http://127.0.0.1:${keys.address().port}/`,
    ...(way === 'nothing' && { [`${variable}UNPROTECTEDAPI`]: 'true' }),
    ...(way === 'certificate' && {
      [`${variable}MTLS_ENABLED`]: 'true',
      [`${variable}MTLS_TRUSTEDCERTIFICATES`]: root,
    }),
  }
  const { settings } = readIdentitySettings({ env, readSecretFile: () => '' })
  const mappingRules = Array.from({ length: rules }, (_, i) => ({
    mappingRuleId: `rule-${i}`,
    name: `rule ${i}`,
    claimName: `claim${i % ruledClaims}`,
    claimValue: `value-${Math.floor(i / ruledClaims)}`,
  }))
  const initialization = { ...settings.initialization, mappingRules: mappingRules.slice(0, ruledClaims) }
  const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')
  const ruled = Object.fromEntries(Array.from({ length: ruledClaims }, (_, i) => [`claim${i}`, 'value-0']))
  const claims = () => {
    const now = Math.floor(Date.now() / 1000)
    const common = { iss: issuer, aud: 'bench', iat: now, exp: now + 3600, jti: randomUUID() }
    return { ...common, ...ruled, sub: 'someone', name: 'Some One' }
  }
  const token = () => {
    const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })}.${part(claims())}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  return {
    settings,
    /** Once the server is composed: fills the store; resolves with credentials to ask with. */
    async prepare({ services }, tenant, count) {
      await prepareIdentity({ ...settings, initialization }, services)
      // The others are put into the table as they are stored: one by one they would take minutes.
      await services.store.write(async ({ identity }) => {
        for (const { mappingRuleId, ...content } of mappingRules.slice(ruledClaims))
          await identity.put({
            tenantId: tenant.id,
            kind: 'mapping-rule',
            id: mappingRuleId,
            content,
            createdAt: Date.now(),
          })
      })
      const made = Array.from({ length: count }, token)
      if (way !== 'session') return made
      const { sessions, authenticate } = services.identity
      const cookies = []
      for (const each of made) {
        const shown = { authorization: `Bearer ${each}`, source: '127.0.0.1' }
        const { principal, by, displayName, email, until } = await authenticate(shown)
        cookies.push(await sessions.begin({ principal, by, displayName, email, until }))
      }
      return cookies
    },
    /** What belongs to a caller, found out anew each time: CPU microseconds. */
    async resolving({ services }, tenant, loopMs) {
      const model = await services.identity.models.of(tenant.id)
      const principal = { type: 'user', id: 'someone', claims: claims() }
      const { mappingRules: found } = resolve(principal, model)
      if (found.length !== ruledClaims) throw new Error(`${found.length} rules are fulfilled`)
      return loopMicroseconds(loopMs, async () => resolve(principal, model))
    },
  }
}
