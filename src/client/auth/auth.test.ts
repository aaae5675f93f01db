import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthRequest, ClientAuth } from './index.ts'
import { clientSecretBasic, clientSecretPost, tlsClientAuth } from './index.ts'

async function apply(auth: ClientAuth) {
  const hidden: string[] = []
  const request: AuthRequest = {
    tokenUrl: new URL('https://server.test/oauth/token'),
    body: new URLSearchParams(),
    headers: {},
    tls: { ca: 'root' },
    now: 0,
    newId: () => 'id-1',
    hide: value => hidden.push(value),
  }
  await auth(request)
  const basic = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
  return { ...request, hidden, basic }
}

test('client_secret_basic form-urlencodes id and secret before base64', async () => {
  const vectors = [
    ['plain', 'secret', 'plain:secret'],
    ['sb-1!b2|it-rt-t!b3', 'a$b=', 'sb-1%21b2%7Cit-rt-t%21b3:a%24b%3D'],
    ['id:colon', 'p%q+r s', 'id%3Acolon:p%25q%2Br+s'],
    ['Zoë', '秘密', 'Zo%C3%AB:%E7%A7%98%E5%AF%86'],
  ] as const
  for (const [id, secret, expected] of vectors) {
    const request = await apply(clientSecretBasic(id, secret))
    assert.equal(request.basic, expected)
    assert.equal(request.body.size, 0)
    assert.ok(request.hidden.includes(secret))
  }
})

test('client_secret_post writes both into the body and no header', async () => {
  const request = await apply(clientSecretPost('sb-1!b2|it', 'p%q+r s'))
  assert.equal(request.body.toString(), 'client_id=sb-1%21b2%7Cit&client_secret=p%25q%2Br+s')
  assert.deepEqual(request.headers, {})
  assert.deepEqual(request.hidden, ['p%q+r s'])
})

test('tls_client_auth names the client and shows the certificate, beside the roots of the options', async () => {
  const request = await apply(tlsClientAuth('id', { cert: 'C', key: 'K' }))
  assert.equal(request.body.toString(), 'client_id=id')
  assert.deepEqual(request.tls, { ca: 'root', cert: 'C', key: 'K' })
})

test('an empty id or secret is refused when it is configured', () => {
  const missing = undefined as unknown as string
  for (const make of [
    () => clientSecretBasic('', 's'),
    () => clientSecretBasic('i', ''),
    () => clientSecretPost('i', missing),
    () => clientSecretPost('', 's'),
    () => tlsClientAuth(''),
  ]) {
    assert.throws(make, { name: 'TokenError', code: 'invalid_configuration' })
  }
})
