import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { selfSigned } from '../../support/senders.ts'
import { callUrl } from '../../support/server.ts'
import { partsOf } from '../token-server/world.ts'
import { at, done, json, refused, world, write } from './world.ts'

interface App {
  readonly id: string
  readonly name: string
  readonly idUri: string | null
  readonly requestedAccessTokenVersion: number
  readonly enabled: boolean
  readonly appRoles: readonly { readonly id: string; readonly value: string; readonly displayName: string }[]
  readonly grants: readonly { readonly resource: { readonly name: string }; readonly role: string }[]
  readonly tokenurl: string
}

const token = async ({ id, tokenurl }: App, secret: string, scope: string) =>
  callUrl(tokenurl, world.ca, {
    method: 'POST',
    body: { grant_type: 'client_credentials', client_id: id, client_secret: secret, scope },
  })

test('an application is registered, gets a secret and a role, and with them a token', async () => {
  const id = '6FE432F2-0000-4000-8000-000000000001'
  const made = await json<App>(`app register sender --id ${id} --id-uri api://sender`)
  assert.deepEqual(
    [made.id, made.name, made.idUri, made.requestedAccessTokenVersion, made.enabled],
    [id.toLowerCase(), 'sender', 'api://sender', 2, true],
  )
  const orders = await json<App>(
    'app register orders --token-version 1 --app-role Orders.Read=Reader --app-role B',
  )
  assert.deepEqual(orders.appRoles.map(({ value, displayName }) => [value, displayName]).sort(), [
    ['B', 'B'],
    ['Orders.Read', 'Reader'],
  ])
  assert.equal(orders.requestedAccessTokenVersion, 1)
  const secret = await json<{ clientsecret: string; expiresAt: string }>(
    'app secret add sender --validity 30',
    /shown once/,
  )
  assert.equal(Date.parse(secret.expiresAt) - world.now() < 30 * 86_400_000, true)
  await done(`app grant sender --resource ${orders.id} --role Orders.Read`)
  const answer = await token(made, secret.clientsecret, `${orders.id}/.default`)
  const { claims } = partsOf(answer.json<{ access_token: string }>().access_token)
  assert.deepEqual([claims.roles, claims.ver], [['Orders.Read'], '1.0'])
  write('app.json', JSON.stringify(secret))
  const fetched = await json<{ access_token: string }>(`token --key $app.json --scope ${orders.id}/.default`)
  assert.equal(partsOf(fetched.access_token).claims.appid, made.id)
  const shown = await done('app show sender')
  assert.match(shown.out, /holds +Orders\.Read of orders/)
  assert.doesNotMatch(shown.out, new RegExp(secret.clientsecret))
  await done('app revoke sender --resource orders --role Orders.Read')
  assert.deepEqual((await json<App>('app show sender')).grants, [])
  await done('app disable sender')
  assert.equal((await token(made, secret.clientsecret, `${orders.id}/.default`)).status, 400)
  await done('app enable sender')
  assert.equal((await token(made, secret.clientsecret, `${orders.id}/.default`)).status, 200)
  const [listed] = await json<{ id: string }[]>('app secret list sender')
  await done(`app secret remove sender ${listed!.id}`)
  assert.equal((await token(made, secret.clientsecret, `${orders.id}/.default`)).status, 401)
})

test('certificates are added as DER and as PEM, listed with both thumbprints and dates, and removed', async () => {
  await done('app register holder')
  const [one, two] = [selfSigned('one'), selfSigned('two')]
  writeFileSync(at('one.cer'), one.der)
  write('two.pem', two.pem)
  for (const file of ['one.cer', 'two.pem']) await done(`app certificate add holder $${file}`)
  const listed = await json<Record<string, string>[]>('app certificate list holder')
  const read = new X509Certificate(one.der)
  const shown = listed.find(({ subject }) => subject!.includes('one'))!
  assert.deepEqual(
    [shown.thumbprint, shown.thumbprintSha256, shown.endDate, shown.state],
    [
      read.fingerprint.replaceAll(':', ''),
      read.fingerprint256.replaceAll(':', ''),
      read.validToDate.toISOString(),
      'active',
    ],
  )
  await refused('app certificate add holder $one.cer', /has this certificate already/)
  await done(`app certificate remove holder ${read.fingerprint}`)
  await done(`app certificate remove holder ${two.thumbprint}`)
  assert.deepEqual(await json('app certificate list holder'), [])
  await refused(`app certificate remove holder ${read.fingerprint}`, /has no certificate of this thumbprint/)
})

test('what is wrong is refused with the reason', async () => {
  await done('app register taken --id-uri api://taken')
  for (const [line, words] of [
    ['app register taken', /exists already/],
    ['app register other --id-uri api://taken', /taken has the App ID URI/],
    ['app register other --id x', /must be a GUID/],
    ['app register other --id-uri http://x', /App ID URI/],
    [
      'app register other --id-uri api://11111111-2222-4333-8444-555555555555',
      /belongs to the application of that id/,
    ],
    ['app register 11111111-2222-4333-8444-555555555555', /neither a GUID/],
    ['app register other --app-role .default', /app role/],
    ['app register other --app-role A --app-role A', /twice/],
    ['app show nobody', /there is no application nobody/],
    ['app grant taken --resource taken --role None', /has no app role None/],
    ['app secret remove taken x', /has no secret of this id/],
  ] as const)
    await refused(line, words)
  write('chain.pem', selfSigned('a').pem + selfSigned('b').pem)
  await refused('app certificate add taken $chain.pem', /2 certificates/)
  write('key.pem', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
  await refused('app certificate add taken $key.pem', /private key/)
  await refused('app register other --token-version 3', /1 or 2/, 2)
  await refused('app update taken', /nothing to change/, 2)
})

test('an update keeps what it does not name, and roles that stay keep their grants', async () => {
  await done('app register api --id-uri api://api --app-role A --app-role B --assignment-required')
  await done('app register caller')
  for (const role of ['A', 'B']) await done(`app grant caller --resource api://api --role ${role}`)
  const changed = await json<App & { assignmentRequired: boolean }>(
    'app update api --name API --app-role B --app-role C',
  )
  assert.deepEqual([changed.name, changed.idUri, changed.assignmentRequired], ['API', 'api://api', true])
  assert.deepEqual(
    (await json<App>('app show caller')).grants.map(({ role }) => role),
    ['B'],
  )
  const open = await json<{ assignmentRequired: boolean }>('app update API --no-assignment-required')
  assert.equal(open.assignmentRequired, false)
  await done('app delete API')
  assert.deepEqual((await json<App>('app show caller')).grants, [])
})
