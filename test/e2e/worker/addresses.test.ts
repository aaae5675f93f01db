import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRole } from '../../../src/core/broker/index.ts'
import { orThrow } from '../../support/server.ts'
import { decisionOf, flowFile, startWorld } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, authorization } = world
let admin: { Authorization: string }

before(async () => {
  orThrow(await createRole(server.tenant, 'Orders.send', '', server.server.services))
  admin = {
    Authorization: `Bearer ${await server.adminToken('WorkspaceArtifactsDeploy', 'MonitoringDataRead')}`,
  }
})

/** Deploys through the admin API; the answer is the test's to judge. */
const deploy = (id: string, address: string, more: { path?: string; sender?: object } = {}) =>
  server.call('/admin/v1/flows', {
    method: 'POST',
    headers: { ...admin, 'Content-Type': 'application/json' },
    body: Buffer.from(
      JSON.stringify(
        flowFile(id, `${receiver.origin}${more.path ?? ''}`, { sender: { address, ...more.sender } }),
      ),
    ),
  })
const undeploy = (id: string) => server.call(`/admin/v1/flows/${id}`, { method: 'DELETE', headers: admin })
const call = (path: string, method = 'GET') =>
  server.call(path, { method, headers: { Authorization: authorization } })

/** Where a call came out at the receiver, or the status that refused it. */
async function reached(path: string): Promise<string | number> {
  const answer = await call(path)
  return answer.status === 200 ? receiver.last().path : answer.status
}

test('a flow takes messages from the moment its deployment is answered, and none after it is undeployed', async () => {
  assert.equal(await reached('/http/short-lived'), 404)
  const deployed = await deploy('short-lived', '/short-lived', { path: '/first' })
  assert.equal(deployed.status, 201)
  assert.deepEqual(deployed.json(), {
    id: 'short-lived',
    endpoint: `${server.url}/http/short-lived`,
    warnings: [],
  })
  assert.equal(await reached('/http/short-lived'), '/first')
  assert.equal((await deploy('short-lived', '/moved', { path: '/second' })).status, 201)
  assert.equal(await reached('/http/short-lived'), 404)
  assert.equal(await reached('/http/moved'), '/second')
  assert.equal((await undeploy('short-lived')).status, 204)
  assert.equal(await reached('/http/moved'), 404)
  assert.equal((await undeploy('short-lived')).status, 404)
})

test('an address that nobody has says 404 to the sender and where to look to the operator', async () => {
  for (const path of ['/http/nothing', '/http/', '/http', '/HTTP/nothing', '/httpx/nothing']) {
    const answer = await call(path)
    assert.equal(answer.status, 404, path)
    assert.equal(answer.json().error, 'not_found')
  }
  const record = await decisionOf(world, await call('/http/nothing'))
  assert.match(record.reason, /no flow is deployed at \/http\/nothing/)
  assert.match(record.hint!, /flow list/)
  assert.deepEqual(
    record.checks.slice(0, 3).map(check => check.outcome),
    ['passed', 'failed', 'not reached'],
  )
})

test('an address is matched without regard to case, and the receiver path stays as the flow says', async () => {
  await deploy('case', '/MixedCase', { path: '/Receiver/Path' })
  for (const path of ['/http/MixedCase', '/http/mixedcase', '/http/MIXEDCASE'])
    assert.equal(await reached(path), '/Receiver/Path')
  for (const path of ['/http/mixedcase/', '/http/mixedcase/more', '/http/mixedcas', '/http/%6dixedcase'])
    assert.equal(await reached(path), 404, path)
})

test('/path/* takes everything below /path/, and the rest and the query go to the receiver as they came', async () => {
  await deploy('prefix', '/Customers/*', { path: '/base' })
  assert.equal(await reached('/http/customers/4711'), '/base/4711')
  assert.equal(await reached('/http/CUSTOMERS/A/b%20c/D?x=1&y=%2F&x=2'), '/base/A/b%20c/D?x=1&y=%2F&x=2')
  assert.equal(await reached('/http/customers/'), '/base')
  assert.equal(await reached('/http/customers'), 404)
  await deploy('prefix', '/customers/*', { path: '/base/?fixed=1' })
  assert.equal(await reached('/http/customers/4711?x=1'), '/base/4711?fixed=1&x=1')
  assert.equal(await reached('/http/customers/4711'), '/base/4711?fixed=1')
})

test('a path that others could read otherwise is refused before any flow is looked for', async () => {
  await deploy('all', '/all/*', { path: '/inside' })
  const before = receiver.received.length
  for (const path of [
    '/http//all/x',
    '/http/all//x',
    '/http/all/../x',
    '/http/all/..',
    '/http/all/./x',
    '/http/all/%2e%2e/x',
    '/http/all/.%2E/x',
    '/http/all/a%2fb',
    '/http/all/a%5Cb',
    '/http/all/a\\b',
    '/http/all/%00',
    '/http/all/%zz',
    '/http/all/%ff',
  ]) {
    const answer = await call(path)
    assert.equal(answer.status, 400, path)
    assert.equal((await decisionOf(world, answer)).checks[0]?.outcome, 'failed')
  }
  assert.equal(receiver.received.length, before)
  assert.equal(await reached('/http/all/...'), '/inside/...')
  assert.equal(await reached('/http/all/%E2%82%AC?q=//../%2f'), '/inside/%E2%82%AC?q=//../%2f')
})

test('an address collides with its like in any case, and with what lies below a /path/*', async () => {
  await deploy('first', '/Unique')
  await deploy('below', '/wide/*')
  for (const [address, rival] of [
    ['/unique', 'first'],
    ['/UNIQUE', 'first'],
    ['/wide/*', 'below'],
    ['/WIDE/narrow', 'below'],
    ['/wide/narrow/*', 'below'],
    ['/*', ''],
  ] as const) {
    const answer = await deploy('rival', address)
    assert.equal(answer.status, 409, address)
    assert.match(
      answer.json<{ error_description: string }>().error_description,
      new RegExp(`of flow ${rival}`),
    )
    assert.match(answer.json<{ hint: string }>().hint, /without regard to case/)
  }
  for (const address of ['/wide', '/unique/*', '/wider/x']) {
    assert.equal((await deploy('rival', address)).status, 201, address)
    assert.equal((await deploy('first', '/Unique')).status, 201, 'a flow does not collide with itself')
  }
})

test('an address or a file that breaks the rules is refused with what to write', async () => {
  for (const address of [
    'orders',
    '/a$b',
    '/a*',
    '/*/a',
    '/.a',
    '/-a',
    '/~a',
    '/a b',
    '/ä',
    '/a//b',
    '/a/',
    '/a?b',
  ]) {
    const answer = await deploy('bad', address)
    assert.equal(answer.status, 400, address)
    assert.match(
      answer.json<{ error_description: string }>().error_description,
      /^sender\.address: the address/,
    )
  }
  const answer = await deploy('bad', '/bad', { sender: { adress: '/x' } })
  assert.match(answer.text, /the nearest is address/)
  assert.equal(await reached('/http/bad'), 404)
})

test('a role that does not exist is refused at deploy with the nearest name', async () => {
  const withRole = (userRole: string) =>
    deploy('roles', '/roles', { sender: { authorization: { userRole } } })
  for (const [role, says] of [
    ['Order.send', /there is no role Order\.send; did you mean Orders\.send\?/],
    ['orders.send', /did you mean Orders\.send\?/],
    ['ESBMessaging.sent', /did you mean ESBMessaging\.send\?/],
    ['Something.entirely.else', /there is no role Something\.entirely\.else"/],
    ['CredentialsEdit', /there is no role CredentialsEdit/],
  ] as const) {
    const answer = await withRole(role)
    assert.equal(answer.status, 400, role)
    assert.match(answer.text, says)
    assert.match(answer.json<{ hint: string }>().hint, /role create/)
  }
  assert.equal(await reached('/http/roles'), 404)
  assert.equal((await withRole('Orders.send')).status, 201)
  assert.equal(await reached('/http/roles'), 403)
})

test('the second spelling of the default role is read as that role, with a warning', async () => {
  const answer = await deploy('spelling', '/spelling', {
    sender: { authorization: { userRole: 'ESBmessaging.send' } },
  })
  assert.equal(answer.status, 201)
  const { warnings } = answer.json<{ warnings: string[] }>()
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /ESBmessaging\.send is read as ESBMessaging\.send/)
  assert.equal(await reached('/http/spelling'), '/')
})

test('a method that is no message gets 405 and Allow, after the caller was admitted', async () => {
  await deploy('methods', '/methods')
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    const answer = await call('/http/methods', method)
    assert.equal(answer.status, 200, method)
    assert.equal(receiver.last().method, method)
  }
  for (const method of ['OPTIONS', 'TRACE', 'PROPFIND', 'LOCK']) {
    const answer = await call('/http/methods', method)
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.allow, 'GET, HEAD, POST, PUT, PATCH, DELETE')
    assert.equal(answer.json().error, 'method_not_allowed')
    const stranger = await server.call('/http/methods', { method })
    assert.equal(stranger.status, 401)
    assert.equal(stranger.headers.allow, undefined)
  }
})
