import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, relative } from 'node:path'
import type { Services } from '../adapters/http/services.ts'
import { createInstance, createKey, deleteKey } from '../core/broker/index.ts'
import { deployFlow } from '../core/flows/index.ts'
import { sendRole } from '../core/plans.ts'
import { defaultTenantName } from '../core/tenant.ts'
import { orThrow } from './admin-key.ts'
import type { Config } from './config.ts'
import { makePrivateDirectory, readFileIfThere, writeFileWhole } from './files.ts'

const instanceName = 'demo-sender'
const keyName = 'demo'

export interface Demo {
  /** Prints the addresses and three command lines that work when pasted. */
  print(): void
  close(): Promise<void>
}

/** A sender, a guarded flow and a receiver to try things with. What was made at an earlier start is used again. */
export async function startDemo(services: Services, config: Config): Promise<Demo> {
  const tenant = services.tenants.byName(defaultTenantName)!
  const { store, context } = services
  const directory = join(config.dataDir, 'demo')
  makePrivateDirectory(directory)
  await ensureSender(services, directory)
  writeFileWhole(join(directory, 'order.json'), '{"order": 4711, "item": "bolts"}\n')
  const receiver = await startReceiver()
  const { port } = receiver.address() as AddressInfo
  const flow = {
    id: 'orders',
    name: 'Orders intake (demonstration)',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${port}/orders` },
  }
  orThrow(await deployFlow(tenant, flow, { store, context, roles: async () => [sendRole] }))
  const flowUrl = `${services.addresses.worker(tenant)}/http/orders`
  return {
    print: () =>
      process.stdout.write(describe(config.dataDir, services.addresses.tokenEndpoint(tenant), flowUrl)),
    close: () => new Promise(resolve => receiver.close(() => resolve())),
  }
}

async function ensureSender(services: Services, directory: string): Promise<void> {
  const tenant = services.tenants.byName(defaultTenantName)!
  const file = join(directory, 'key.json')
  const instance =
    (await services.store.read.instances.find(tenant.id, instanceName)) ??
    orThrow(
      await createInstance(
        tenant,
        { name: instanceName, plan: 'integration-flow', parameters: {} },
        services,
      ),
    )
  const known = await services.store.read.keys.find(instance.id, keyName)
  const kept = JSON.parse(readFileIfThere(file) ?? '{}') as { clientid?: string; clientsecret?: string }
  let document: Record<string, unknown> = {
    ...kept,
    tokenurl: services.addresses.tokenEndpoint(tenant),
    url: services.addresses.worker(tenant),
  }
  if (!known || known.clientId !== kept.clientid) {
    if (known) await deleteKey(tenant, instanceName, keyName, services)
    document = orThrow(await createKey(tenant, instanceName, keyName, {}, services)).document
  }
  writeFileWhole(file, `${JSON.stringify(document, null, 2)}\n`)
  const { clientid, clientsecret } = document
  writeFileWhole(join(directory, 'sender.curl'), `user = "${clientid}:${clientsecret}"\n`)
}

/** Takes any message and tells what arrived. */
function startReceiver(): Promise<Server> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => {
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.end(`${JSON.stringify({ received: bytes, from: request.headers.sapauthenticatedusername })}\n`)
    })
  })
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

function describe(dataDir: string, tokenUrl: string, flowUrl: string): string {
  const file = (...path: string[]) => quote(relative(process.cwd(), join(dataDir, ...path)) || '.')
  const curl = `curl -sS --fail-with-body --cacert ${file('ca.pem')}`
  // Named, since the other terminal may know nothing of COUNTERSIGN_DATA_DIR.
  const sender = `--ca ${file('ca.pem')} --key ${file('demo', 'key.json')}`
  const order = file('demo', 'order.json')
  return `
Countersign is running. Token server: ${tokenUrl}  Guarded flow: ${flowUrl}
Try it in another terminal, in this folder:

# a token by secret
${curl} -K ${file('demo', 'sender.curl')} -d grant_type=client_credentials ${tokenUrl}

# a call of the flow with that token
TOKEN=$(bin/countersign token ${sender}) && ${curl} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d @${order} ${flowUrl}

# a call by Basic
bin/countersign call --with basic ${sender} --data ${order} ${flowUrl}

`
}

function quote(path: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
