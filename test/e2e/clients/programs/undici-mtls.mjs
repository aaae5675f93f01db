// What a sender with undici and a certificate runs: a token, and a call with nothing but the certificate.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'undici'

const { TOKEN_URL, CLIENT_ID, CERTIFICATE_FILE, KEY_FILE, CA_FILE, FLOW_URL } = process.env
const [cert, key, ca] = [CERTIFICATE_FILE, KEY_FILE, CA_FILE].map(file => readFileSync(file, 'utf8'))
const dispatcher = new Agent({ connect: { cert, key, ca } })
const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: CLIENT_ID }).toString()
const headers = { 'content-type': 'application/x-www-form-urlencoded' }
const answer = await request(TOKEN_URL, { method: 'POST', headers, body, dispatcher })
const token = await answer.body.json()
const called = await request(FLOW_URL, { method: 'POST', body: 'an order', dispatcher })
await called.body.dump()
console.log(JSON.stringify({ ...token, status: called.statusCode }))
await dispatcher.close()
