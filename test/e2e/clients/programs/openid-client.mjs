// What a sender with openid-client runs: discovery and a token, with the client's own defaults.
import { ClientSecretBasic, ClientSecretPost, clientCredentialsGrant, discovery } from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, ALGORITHM } = process.env
const method = METHOD === 'post' ? ClientSecretPost : ClientSecretBasic
const config = await discovery(new URL(ISSUER), CLIENT_ID, undefined, method(CLIENT_SECRET), {
  algorithm: ALGORITHM,
})
const token = await clientCredentialsGrant(config, { scope: 'ESBMessaging.send' })
console.log(JSON.stringify({ ...token, expiresIn: token.expiresIn() }))
