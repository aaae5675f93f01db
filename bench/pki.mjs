// The authority with 100,000 certificates in one store, all revoked: node bench/pki.mjs [--quick] [--json FILE]
// CPU is that of the whole process: the event loop, the thread that writes, and those that sign.
import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { continueUnderNewNode } from '../scripts/node.mjs'

await continueUnderNewNode()
const { plainServer } = await import('../dist/adapters/http/server.js')
const { createPrometheusMeter } = await import('../dist/adapters/metrics/prometheus.js')
const { composeServer } = await import('../dist/app/compose.js')
const { answerOcsp } = await import('../dist/core/authority/index.js')
const { createInstance, createKey } = await import('../dist/core/broker/index.js')
const { defaultTenantName } = await import('../dist/core/tenant.js')
const { openVault } = await import('../dist/core/vault.js')
const { parseCertificate } = await import('../dist/crypto/certificate.js')
const { parseCrl, verifyCrl } = await import('../dist/crypto/crl/index.js')
const { buildOcspRequest } = await import('../dist/crypto/ocsp/index.js')
const { anchorOf, validatePath } = await import('../dist/crypto/path/index.js')
const { decodePem } = await import('../dist/crypto/pem.js')
const { certificateThumbprint } = await import('../dist/crypto/thumbprint.js')
const { loopMicroseconds } = await import('./servers/loop.mjs')

const { values: given } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const count = given.quick ? 10_000 : 100_000
const rounds = given.quick ? 3 : 7
const loopMs = given.quick ? 300 : 1500
const day = 86_400_000

const spread = values => {
  const sorted = values.toSorted((a, b) => a - b)
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted.at(-1) }
}
const three = ({ min, median, max }, digits = 0) =>
  [min, median, max].map(value => value.toFixed(digits)).join(' / ')

const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-pki-'))
const context = {
  now: Date.now,
  random: randomBytes,
  log: { debug() {}, info() {}, warn: console.warn, error: console.error },
}
const meter = createPrometheusMeter()
let listener
const socket = plainServer((request, response) => listener(request, response))
await new Promise(resolve => socket.listen(0, '127.0.0.1', resolve))
const url = `http://localhost:${socket.address().port}`
const server = await composeServer({
  databaseUrl: `sqlite:${directory}`,
  role: 'primary',
  bases: { publicUrl: url, mtlsUrl: url, pkiUrl: url },
  context,
  meter,
  sourceFiles: directory,
  openVault: store => openVault(store, randomBytes(32), context),
  operations: () => ({ ready: () => true, metrics: () => meter.page(), rotateMasterKey: async () => ({}) }),
})
listener = server.listenerOf({ name: 'pki' })
const { services } = server
const { store, crls, authorities } = services
const tenant = services.tenants.byName(defaultTenantName)
const issuing = (await authorities.of(tenant.id)).members.find(({ role }) => role === 'issuing')

/** A row as issuing leaves it; making 100,000 key pairs would measure something else. */
const row = i => ({
  tenantId: tenant.id,
  authorityId: issuing.id,
  serial: `4${randomBytes(20).toString('hex').slice(1)}`,
  thumbprint: randomBytes(32).toString('base64url'),
  credentialId: `credential ${i}`,
  subject: `CN=sender ${i}`,
  notBefore: Date.now(),
  notAfter: Date.now() + 30 * day,
  createdAt: Date.now(),
  revokedAt: undefined,
  reason: undefined,
})
const rows = Array.from({ length: count + 2 * rounds }, (_, i) => row(i))
for (let i = 0; i < rows.length; i += 2000)
  await store.write(async ({ issued }) => {
    for (const [j, each] of rows.slice(i, i + 2000).entries())
      await issued.insert(i + j < count ? { ...each, revokedAt: Date.now(), reason: 'superseded' } : each)
  })

/** What one more revocation costs whoever fetches the list next. */
async function makeList(another) {
  await store.write(({ issued }) => issued.revoke(another, 'keyCompromise', Date.now()))
  const [cpu, begun] = [process.cpuUsage(), performance.now()]
  const crl = await crls.current(tenant.id, issuing.id)
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / 1000, milliseconds: performance.now() - begun, der: crl.der }
}
const made = []
for (const another of rows.slice(count, count + rounds)) made.push(await makeList(another))

/** The longest stretch for which the event loop does nothing else, in CPU, so that a busy machine does not count. */
async function longestStretch(work) {
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let [longest, last, over] = [0, spent(), false]
  const look = () => {
    const now = spent()
    longest = Math.max(longest, now - last)
    last = now
    if (!over) setImmediate(look)
  }
  setImmediate(look)
  await work()
  over = true
  return longest
}
const stretches = []
for (const another of rows.slice(count + rounds))
  stretches.push(await longestStretch(() => makeList(another)))

const fetchList = () =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    get(`${url}/pki/crl/${issuing.id}.crl`, { agent: false }, response => {
      let bytes = 0
      response.on('data', chunk => {
        bytes += chunk.length
      })
      response.on('end', () => resolve({ milliseconds: performance.now() - begun, bytes }))
    }).on('error', reject)
  })
const fetched = []
for (let i = 0; i < 20; i++) fetched.push(await fetchList())

const list = made.at(-1).der
const timed = work => {
  const begun = performance.now()
  work()
  return performance.now() - begun
}
const read = spread(Array.from({ length: rounds }, () => timed(() => parseCrl(list))))
const verified = spread(
  Array.from({ length: rounds }, () => timed(() => verifyCrl(parseCrl(list), issuing.certificate))),
)

const requests = rows.slice(0, 1000).map(({ serial }) =>
  buildOcspRequest({
    certificate: { issuer: issuing.certificate.subject, serial: BigInt(`0x${serial}`) },
    issuer: issuing.certificate,
    nonce: randomBytes(16),
  }),
)
let next = 0
const ocsp = await loopMicroseconds(loopMs, async () => {
  await answerOcsp(requests[next++ % requests.length], tenant, services)
})
const [bytes, key] = [
  randomBytes(300),
  createPrivateKey(issuing.key().export({ format: 'pem', type: 'pkcs8' })),
]
const bareSignature = await loopMicroseconds(loopMs, async () => void sign('sha256', bytes, key))

await createInstance(tenant, { name: 'bench', plan: 'integration-flow', parameters: {} }, services)
const parameters = { 'key-type': 'certificate', 'key-length': 256 }
const { document } = await createKey(tenant, 'bench', 'key', parameters, services)
const chain = decodePem(document.certificate).map(({ der }) => der)
const [leafDer, ...sent] = chain
const path = () => {
  const [leaf, ...others] = chain.map(der => parseCertificate(der))
  const anchors = [anchorOf(others.pop())]
  return validatePath({
    leaf,
    intermediates: others,
    anchors,
    now: Date.now(),
    purpose: 'clientAuth',
    requireEku: true,
  })
}
if (!path().ok) throw new Error('the issued chain is not valid')
const pathAlone = await loopMicroseconds(loopMs, async () => void path())
const presented = { der: leafDer, thumbprint: certificateThumbprint(leafDer), chain: sent }
const cached = await loopMicroseconds(
  loopMs,
  async () => void (await services.trust.evaluate(tenant.id, presented)),
)

const results = {
  certificates: count,
  listBytes: list.length,
  makeCpuMilliseconds: spread(made.map(each => each.cpu)),
  makeMilliseconds: spread(made.map(each => each.milliseconds)),
  longestStretchMilliseconds: spread(stretches),
  fetchMilliseconds: spread(fetched.map(each => each.milliseconds)),
  parseForeignMilliseconds: read,
  parseAndVerifyForeignMilliseconds: verified,
  ocspMicroseconds: ocsp,
  bareSignatureMicroseconds: bareSignature,
  pathMicroseconds: pathAlone,
  cachedPathMicroseconds: cached,
}
console.log(`${count} certificates, all revoked, one of them after the other; least / median / greatest`)
for (const [what, value] of [
  ['list, bytes', String(results.listBytes)],
  ['list, to make, CPU ms', three(results.makeCpuMilliseconds)],
  ['list, to make, ms', three(results.makeMilliseconds)],
  ['list, longest stretch of the event loop meanwhile, CPU ms', three(results.longestStretchMilliseconds)],
  ['list, to fetch when it is there, ms (client included)', three(results.fetchMilliseconds, 1)],
  ['list of another authority, to read, ms', three(read, 1)],
  ['list of another authority, to read and verify, ms', three(verified, 1)],
  ['OCSP answer, CPU us', ocsp.toFixed(0)],
  ['the signature in it alone, CPU us', bareSignature.toFixed(0)],
  ['path of three certificates, read and validated, CPU us', pathAlone.toFixed(0)],
  ['the same, remembered, CPU us', cached.toFixed(1)],
])
  console.log(`  ${what.padEnd(60)}${value}`)
if (given.json) writeFileSync(given.json, `${JSON.stringify(results, null, 2)}\n`)
socket.close()
socket.closeAllConnections()
await server.close()
rmSync(directory, { recursive: true, force: true })
