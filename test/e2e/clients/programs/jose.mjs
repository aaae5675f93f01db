// What an API that checks tokens with jose runs: it is given the issuer, and finds the keys from there.
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER, TOKEN, AUDIENCE } = process.env
const wellKnown = new URL(ISSUER)
wellKnown.pathname = `/.well-known/oauth-authorization-server${wellKnown.pathname.replace(/\/$/, '')}`
const { issuer, jwks_uri } = await (await fetch(wellKnown)).json()
if (issuer !== ISSUER) throw new Error(`the metadata is of ${issuer}`)
const keys = createRemoteJWKSet(new URL(jwks_uri))
const { payload, protectedHeader } = await jwtVerify(TOKEN, keys, {
  issuer,
  audience: AUDIENCE,
  typ: 'at+jwt',
})
console.log(JSON.stringify({ ...payload, alg: protectedHeader.alg }))
