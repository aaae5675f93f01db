// What a sender with simple-oauth2 runs: it knows the address of the token endpoint and nothing else.
import { ClientCredentials } from 'simple-oauth2'

const { TOKEN_URL, CLIENT_ID, CLIENT_SECRET, METHOD } = process.env
const { origin, pathname } = new URL(TOKEN_URL)
const client = new ClientCredentials({
  client: { id: CLIENT_ID, secret: CLIENT_SECRET },
  auth: { tokenHost: origin, tokenPath: pathname },
  options: { authorizationMethod: METHOD === 'post' ? 'body' : 'header' },
})
const { token } = await client.getToken({ scope: 'ESBMessaging.send' })
console.log(JSON.stringify(token))
