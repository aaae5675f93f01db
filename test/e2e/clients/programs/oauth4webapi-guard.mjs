// What an API that checks tokens with oauth4webapi runs: RFC 9068 validation from discovery alone.
import * as oauth from 'oauth4webapi'

const { ISSUER, TOKEN, AUDIENCE } = process.env
const issuer = new URL(ISSUER)
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' })
const server = await oauth.processDiscoveryResponse(issuer, discovered)
const request = new Request(AUDIENCE, { headers: { Authorization: `Bearer ${TOKEN}` } })
console.log(JSON.stringify(await oauth.validateJwtAccessToken(server, request, AUDIENCE)))
