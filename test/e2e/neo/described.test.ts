// The described page of SAP Neo, step by step, with the command line and curl.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { commands } from '../../../src/app/commands/index.ts'
import { run as program } from '../../../src/app/commands/support/program.ts'
import { allRoles, type Json } from '../admin/world.ts'
import { type NeoWorld, startNeoWorld } from './world.ts'

const run = promisify(execFile)
const id = 'ERP_Prod'
const secret = 'Wh4t the sender w4nts'

let world: NeoWorld
let directory: string
const file = (name: string) => join(directory, name)
before(async () => {
  world = await startNeoWorld()
  directory = mkdtempSync(join(tmpdir(), 'countersign-neo-'))
  writeFileSync(file('ca.pem'), world.server.ca)
  const key = await world.server.sender({ plan: 'api', parameters: { roles: allRoles } })
  writeFileSync(file('admin.json'), JSON.stringify(key))
  writeFileSync(file('secret'), `${secret}\n`)
})
after(async () => {
  await world.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A line of the command line without quotes: its standard output; rejects unless the exit status is 0. */
async function countersign(line: string): Promise<string> {
  const access = ['--credentials', file('admin.json'), '--ca', file('ca.pem')]
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await program([...access, ...line.replaceAll('FILE:', `${directory}/`).split(' ')], commands, {
    env: {},
    stdin: Readable.from([]),
    stdout,
    stderr,
    now: Date.now,
    wait: setTimeout,
    onInterrupt: () => () => {},
    random: randomBytes,
  })
  if (code === 0) return text(stdout.end())
  throw Object.assign(new Error(line), { code, stderr: await text(stderr.end()) })
}
const countersignJson = async (line: string) => JSON.parse(await countersign(`${line} --json`)) as Json

/** Resolves with the body; rejects with the status when it is 400 or more. */
async function curl(...args: string[]): Promise<string> {
  const always = ['-sS', '--fail-with-body', '--cacert', file('ca.pem')]
  return (await run('curl', [...always, ...args])).stdout
}
const withStatus = (...args: string[]) =>
  run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', file('ca.pem'), ...args]).then(
    ({ stdout }) => Number(stdout),
  )

describe('OAuth client credentials grant, as described for SAP Neo', () => {
  let tokenEndpoint: string
  let user: string
  let jwt: string
  let opaque: string
  const flow = () => `${world.server.url}/http/orders`
  const grant = (more = '') => `${tokenEndpoint}?grant_type=client_credentials${more}`
  const call = (token: string, ...more: string[]) =>
    curl('-H', `Authorization: Bearer ${token}`, '-d', 'an order', ...more, flow())

  test('1. the client is registered: subscription, client id, secret, token lifetime', async () => {
    const client = await countersignJson(
      `client register ${id} --subscription default.iflmap --secret-file FILE:secret --token-lifetime 7200`,
    )
    assert.equal(client.subscription, 'default.iflmap')
    assert.equal(client.clientsecret, undefined)
    tokenEndpoint = String(client.tokenurl)
    user = String(client.user)
    assert.equal(tokenEndpoint, `${world.server.url}/oauth2/api/v1/token`)
    assert.equal(user, `oauth_client_${id}`)
  })

  test('1. only nodes of type iflmap or hcioem can be subscribed to', async () => {
    await assert.rejects(countersign('client register x --subscription default.tmn'), {
      code: 1,
      stderr: /iflmap or hcioem/,
    })
  })

  test('3. before step 2 there is a token, and the flow refuses it with 403', async () => {
    const early = JSON.parse(await curl('-u', `${id}:${secret}`, '-X', 'POST', grant('&token_format=jwt')))
    await assert.rejects(call(early.access_token), /403/)
    // The id that the sender was given leads to the command of step 2.
    const head = await run('curl', [
      ...['-s', '-o', '/dev/null', '-D', '-', '--cacert', file('ca.pem')],
      ...['-H', `Authorization: Bearer ${early.access_token}`, '-d', 'an order', flow()],
    ])
    const correlationId = /x-correlation-id: (\S+)/i.exec(head.stdout)![1]!
    await world.services.journal.flush()
    assert.match(
      await countersign(`explain ${correlationId}`),
      /countersign role assign ESBMessaging\.send --user oauth_client_ERP_Prod --subscription default\.iflmap/,
    )
  })

  test('2. the user oauth_client_<client ID> is assigned to the role in the subscription', async () => {
    await countersign(`role assign ESBMessaging.send --user ${user} --subscription default.iflmap`)
    const [assignment] = (await countersignJson(`role list --user ${user}`)) as unknown as Json[]
    assert.deepEqual([assignment?.role, assignment?.subscription], ['ESBMessaging.send', 'default.iflmap'])
  })

  test('3a. a POST with basic authentication and everything in the address gets a JWT', async () => {
    const answer = JSON.parse(await curl('-u', `${id}:${secret}`, '-X', 'POST', grant('&token_format=jwt')))
    jwt = answer.access_token
    assert.equal(jwt.split('.').length, 3)
    assert.deepEqual(answer, { access_token: jwt, token_type: 'Bearer', expires_in: 7200, scopes: [] })
  })

  test('3a. without token_format it is opaque', async () => {
    const answer = JSON.parse(await curl('-u', `${id}:${secret}`, '-X', 'POST', grant()))
    opaque = answer.access_token
    assert.ok(!opaque.includes('.'))
    assert.deepEqual(answer, { access_token: opaque, token_type: 'Bearer', expires_in: 7200, scopes: [] })
  })

  test('3b. the endpoint is called with Bearer and the token, several times', async () => {
    for (const token of [jwt, opaque, jwt, opaque]) await call(token)
    assert.equal(world.receiver.last().headers.sapauthenticatedusername, user)
  })

  test('3b. until the token becomes invalid; then step a is executed again', async () => {
    world.server.advance(7_300_000)
    for (const token of [jwt, opaque]) await assert.rejects(call(token), /401/)
    const again = JSON.parse(await curl('-u', `${id}:${secret}`, '-X', 'POST', grant('&token_format=jwt')))
    await call(again.access_token)
  })

  test('what is not as described is refused', async () => {
    const own = ['-u', `${id}:${secret}`]
    assert.equal(await withStatus('-u', `${id}:wrong`, '-X', 'POST', grant()), 401)
    assert.equal(await withStatus('-u', `${id.toLowerCase()}:${secret}`, '-X', 'POST', grant()), 401)
    assert.equal(await withStatus('-X', 'POST', grant()), 401)
    const inBody = ['-d', `client_id=${id}`, '--data-urlencode', `client_secret=${secret}`]
    assert.equal(await withStatus(...inBody, grant()), 401)
    assert.equal(await withStatus(...own, '-X', 'POST', tokenEndpoint), 400)
    assert.equal(await withStatus(...own, '-X', 'POST', grant('&token_format=saml')), 400)
    assert.equal(
      await withStatus(...own, '-X', 'POST', `${world.server.url}/oauth/token?grant_type=client_credentials`),
      401,
    )
    assert.equal(await withStatus('-d', 'an order', flow()), 401)
    assert.equal(await withStatus('-u', `${id}:${secret}`, '-d', 'an order', flow()), 401)
  })

  test('what was given is taken away: revoke, unassign, disable, enable, delete', async () => {
    const fresh = async () => {
      const answer = await curl('-u', `${id}:${secret}`, '-X', 'POST', grant())
      return JSON.parse(answer).access_token as string
    }
    const [first, second] = [await fresh(), await fresh()]
    writeFileSync(file('token'), `${first}\n`)
    await countersign(`client revoke ${id} --token-file FILE:token`)
    await assert.rejects(call(first), /401/)
    await call(second)
    await countersign(`client revoke ${id}`)
    await assert.rejects(call(second), /401/)

    const third = await fresh()
    await countersign(`role unassign ESBMessaging.send --user ${user}`)
    await assert.rejects(call(third), /403/)
    await countersign(`role assign ESBMessaging.send --user ${user}`)
    await call(third)

    await countersign(`client disable ${id}`)
    await assert.rejects(fresh(), /401/)
    await assert.rejects(call(third), /401/)
    await countersign(`client enable ${id}`)
    await call(third)

    assert.match(await countersign('client list'), /ERP_Prod +default\.iflmap +7200 s +enabled/)
    await countersign(`client delete ${id}`)
    await assert.rejects(fresh(), /401/)
    await assert.rejects(call(third), /401/)
    assert.match(await countersign('client list'), /There are none yet/)
  })
})

test('a secret that is made works at once in the tools of senders', async () => {
  const key = await countersignJson('client register made')
  writeFileSync(file('key.json'), JSON.stringify(key))
  await countersign('role assign ESBMessaging.send --user oauth_client_made')
  const token = (await countersignJson('token --key FILE:key.json --format jwt')) as { access_token?: string }
  assert.equal(token.access_token?.split('.').length, 3)
  await countersign(`call --key FILE:key.json --data FILE:secret ${world.server.url}/http/orders`)
  const changed = await countersignJson('client update made --new-secret --token-lifetime 60')
  assert.notEqual(changed.clientsecret, key.clientsecret)
  await assert.rejects(countersign('token --key FILE:key.json'), { code: 1 })
})

test('wrong usage is told before anything is asked', async () => {
  for (const line of [
    'client register',
    'client update made',
    'client update made --new-secret --secret-file FILE:secret',
    'client revoke made --token-id x --token-file FILE:secret',
    'client register x --token-lifetime soon',
    'client register x --secret-file FILE:nowhere',
    'role assign ESBMessaging.send',
  ])
    await assert.rejects(countersign(line), { code: 2 }, line)
  await assert.rejects(countersign('client register x --token-lifetime 0'), {
    code: 1,
    stderr: /may no longer be used/,
  })
})
