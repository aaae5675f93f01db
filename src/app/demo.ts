import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, relative } from 'node:path'
import type { Services } from '../adapters/http/services.ts'
import { maintainAuthorities } from '../core/authority/index.ts'
import { deployFlow } from '../core/flows/index.ts'
import { sendRole } from '../core/plans.ts'
import { defaultTenantName } from '../core/tenant.ts'
import { orThrow } from './admin-key.ts'
import type { Config } from './config.ts'
import { rootFile } from './data-directory.ts'
import { ensureSender } from './demo-sender.ts'
import { makePrivateDirectory, writeFileWhole } from './files.ts'
import { quote } from './terminal/quote.ts'

const flowAddress = '/orders'
const flowPath = `/http${flowAddress}`

export interface Demo {
  /** Prints the addresses and three command lines that work when pasted. */
  print(): void
  close(): Promise<void>
}

/** A sender, a guarded flow and a receiver to try things with. What was made at an earlier start is used again. */
export async function startDemo(services: Services, config: Config): Promise<Demo> {
  const tenant = services.tenants.byName(defaultTenantName)!
  const { store, outbound, context } = services
  const directory = join(config.dataDir, 'demo')
  makePrivateDirectory(directory)
  // What an earlier version left behind has no authority before the first maintenance.
  await maintainAuthorities(services)
  await ensureSender(services, tenant, directory)
  writeFileWhole(join(directory, 'order.json'), '{"order": 4711, "item": "bolts"}\n')
  const receiver = await startReceiver()
  const { port } = receiver.address() as AddressInfo
  const flow = {
    id: 'orders',
    name: 'Orders intake (demonstration)',
    sender: { adapter: 'HTTPS', address: flowAddress },
    receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${port}/orders` },
  }
  orThrow(await deployFlow(tenant, flow, { store, outbound, context, roles: async () => [sendRole] }))
  return {
    print: () =>
      process.stdout.write(
        describe(config.dataDir, {
          token: services.addresses.tokenEndpoint(tenant),
          flow: `${services.addresses.worker(tenant)}${flowPath}`,
          mtlsFlow: `${services.addresses.mtls(tenant)}${flowPath}`,
        }),
      ),
    close: () => new Promise(resolve => receiver.close(() => resolve())),
  }
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

interface DemoAddresses {
  readonly token: string
  readonly flow: string
  /** The flow on the port that asks for a certificate. */
  readonly mtlsFlow: string
}

function describe(dataDir: string, { token, flow, mtlsFlow }: DemoAddresses): string {
  const pasted = (path: string) => quote(relative(process.cwd(), path))
  const file = (name: string) => pasted(join(dataDir, 'demo', name))
  const ca = pasted(rootFile(dataDir))
  const curl = `curl -sS --fail-with-body --cacert ${ca}`
  // Named, since the other terminal may know nothing of COUNTERSIGN_DATA_DIR.
  const sender = `--ca ${ca} --key ${file('key.json')}`
  const order = `-H 'Content-Type: application/json' -d @${file('order.json')}`
  return `
Countersign is running. Token server: ${token}  Guarded flow: ${flow}
Try it in another terminal, in this folder:

# a token by secret
${curl} -K ${file('sender.curl')} -d grant_type=client_credentials ${token}

# a call of the flow with that token
TOKEN=$(bin/countersign token ${sender}) && ${curl} -H "Authorization: Bearer $TOKEN" ${order} ${flow}

# a call of the flow with an issued certificate, without a token
${curl} --cert ${file('client.pem')} --key ${file('client-key.pem')} ${order} ${mtlsFlow}

`
}
