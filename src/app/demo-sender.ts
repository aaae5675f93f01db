import { join } from 'node:path'
import type { Services } from '../adapters/http/services.ts'
import { clientCertificate, TokenError, withoutRoot } from '../client/index.ts'
import {
  createInstance,
  createKey,
  deleteKey,
  type Instance,
  type KeyParameters,
  keyUrls,
} from '../core/broker/index.ts'
import { day } from '../core/context.ts'
import type { Tenant } from '../core/tenant.ts'
import { readCertificateInput } from '../crypto/pem.ts'
import { certificateThumbprint } from '../crypto/thumbprint.ts'
import { orThrow } from './admin-key.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

const instanceName = 'demo-sender'
/** A certificate that ends sooner is made anew at the start. */
const renewBeforeMs = 30 * day

/**
 * Sees to a sender with two keys, of a secret and of a certificate, as files that curl reads, for their owner only.
 * What was made at an earlier start is used again; the certificate is made anew when it nears its end.
 */
export async function ensureSender(services: Services, tenant: Tenant, directory: string): Promise<void> {
  const instance =
    (await services.store.read.instances.find(tenant.id, instanceName)) ??
    orThrow(
      await createInstance(
        tenant,
        { name: instanceName, plan: 'integration-flow', parameters: {} },
        services,
      ),
    )
  const sender = { tenant, instance, services, directory }
  const { clientid, clientsecret } = await ensureKey('demo', 'key.json', {}, holdsSecret, sender)
  writeFileWhole(join(directory, 'sender.curl'), `user = "${clientid}:${clientsecret}"\n`)
  const { certificate, key } = await ensureKey(
    'demo-certificate',
    'certificate-key.json',
    { 'key-type': 'certificate', 'key-length': 256 },
    holdsCertificate,
    sender,
  )
  writeFileWhole(join(directory, 'client.pem'), withoutRoot(String(certificate)))
  writeFileWhole(join(directory, 'client-key.pem'), String(key))
}

interface Sender {
  readonly tenant: Tenant
  readonly instance: Instance
  readonly services: Services
  readonly directory: string
}

type Document = Readonly<Record<string, unknown>>
/** Is the document of an earlier start good for a while yet? */
type StillGood = (document: Document, sender: Sender) => boolean | Promise<boolean>

/** A key of the demonstration in its file: that of an earlier start with the addresses of today, else a new one. */
async function ensureKey(
  name: string,
  fileName: string,
  parameters: KeyParameters,
  stillGood: StillGood,
  sender: Sender,
): Promise<Document> {
  const { tenant, instance, services, directory } = sender
  const file = join(directory, fileName)
  const kept = readDocument(file)
  const known = await services.store.read.keys.find(instance.id, name)
  let document: Document
  if (known && known.clientId === kept.clientid && (await stillGood(kept, sender))) {
    document = { ...kept, ...keyUrls(known, instance, tenant, services) }
  } else {
    if (known) orThrow(await deleteKey(tenant, instanceName, name, services))
    document = orThrow(await createKey(tenant, instanceName, name, parameters, services)).document
  }
  writeFileWhole(file, `${JSON.stringify(document, null, 2)}\n`)
  return document
}

function readDocument(file: string): Document {
  try {
    return JSON.parse(readFileIfThere(file) ?? '{}') as Document
  } catch {
    // Somebody has tried something out with it: it is made anew.
    return {}
  }
}

const holdsSecret: StillGood = ({ clientsecret }) => typeof clientsecret === 'string'

/** Not revoked, of an authority that is trusted, with its private key, and not near its end. */
const holdsCertificate: StillGood = async ({ certificate, key }, { tenant, services }) => {
  const { store, trust, context } = services
  try {
    const { cert } = clientCertificate(String(certificate), String(key))
    const [leaf, ...chain] = readCertificateInput(cert)
    const presented = { der: leaf!, thumbprint: certificateThumbprint(leaf!), chain }
    const held = await store.read.keyCertificates.find(tenant.id, presented.thumbprint)
    return (
      held !== undefined &&
      held.ended === undefined &&
      held.acceptedUntil === undefined &&
      held.notAfter - context.now() > renewBeforeMs &&
      (await trust.evaluate(tenant.id, presented)).ok
    )
  } catch (error) {
    if (error instanceof TokenError) return false
    throw error
  }
}
