import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createInstance, createKey, type InstanceParameters } from '../../src/core/broker/index.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { addTrust, type NewTrust, type TrustInfo } from '../../src/core/trust/index.ts'
import type { GeneralName } from '../../src/crypto/extensions/general-name.ts'
import { certificateExtensions as kinds } from '../../src/crypto/extensions/index.ts'
import { OID } from '../../src/crypto/oids.ts'
import { encodePem } from '../../src/crypto/pem.ts'
import { certificateThumbprint } from '../../src/crypto/thumbprint.ts'
import { certificate, keyIdOf, named, type Spec } from './chains.ts'
import { type Answer, type CallOptions, callUrl, orThrow, type TestServer } from './server.ts'

const day = 86_400_000

export interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** RSA would take its time. */
export const newPair = (): Pair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

export const pkcs8 = ({ privateKey }: Pick<Pair, 'privateKey'>): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

export const pemOf = (...ders: readonly Buffer[]): string =>
  ders.map(der => encodePem('CERTIFICATE', der)).join('')

/** A system that has a certificate with its key, and what it sends along. */
export interface Sender {
  readonly der: Buffer
  readonly pem: string
  readonly thumbprint: string
  readonly pair: Pair
  /** For a connection: its own certificate, then the intermediates. */
  readonly credential: { readonly cert: string; readonly key: string }
}

/** An authority that others run. */
export interface Ca {
  readonly subject: Buffer
  readonly pair: Pair
  readonly der: Buffer
  readonly pem: string
  /** Intermediates from this one up, without the root. */
  readonly above: readonly Buffer[]
  /** From a day ago for 90 days, unless it is told otherwise. */
  issue(spec?: Spec, names?: readonly GeneralName[]): Sender
  intermediate(cn: string, spec?: Spec): Ca
}

const serial = (): bigint => BigInt(`0x${randomBytes(12).toString('hex')}`) + 1n

/** A root; `key` and `subject` may be those of another one. */
export const newRoot = (cn: string, spec: Spec = {}): Ca => authority(cn, spec, undefined)

function authority(cn: string, spec: Spec, issuer: Ca | undefined): Ca {
  const subject = spec.subject ?? named(cn, 'Foreign')
  const pair = spec.key ?? newPair()
  const signer = spec.signer ?? issuer?.pair ?? pair
  const der = certificate({
    serial: serial(),
    notBefore: Date.now() - 30 * day,
    notAfter: Date.now() + 3650 * day,
    issuer: issuer?.subject ?? subject,
    ...spec,
    subject,
    key: pair,
    signer,
    extensions: {
      bc: kinds.basicConstraints.build({ ca: true }),
      ku: kinds.keyUsage.build(['keyCertSign', 'cRLSign']),
      ski: kinds.subjectKeyIdentifier.build(keyIdOf(pair)),
      aki: kinds.authorityKeyIdentifier.build({ keyId: keyIdOf(signer) }),
      ...spec.extensions,
    },
  })
  const above = issuer ? [der, ...issuer.above] : []
  const ca: Ca = {
    subject,
    pair,
    der,
    pem: pemOf(der),
    above,
    issue(leaf = {}, names = []) {
      const own = leaf.key ?? newPair()
      const made = certificate({
        serial: serial(),
        notBefore: Date.now() - day,
        notAfter: Date.now() + 90 * day,
        subject: named(leaf.cn ?? 'sender', 'Example'),
        issuer: subject,
        signer: pair,
        ...leaf,
        key: own,
        extensions: {
          ku: kinds.keyUsage.build(['digitalSignature']),
          eku: kinds.extendedKeyUsage.build([OID.clientAuth]),
          aki: kinds.authorityKeyIdentifier.build({ keyId: keyIdOf(pair) }),
          ...(names.length > 0 && { san: kinds.subjectAltName.build(names) }),
          ...leaf.extensions,
        },
      })
      return senderOf(made, own, above)
    },
    intermediate: (name, more = {}) => authority(name, more, ca),
  }
  return ca
}

/** A certificate that nobody but its own key vouches for. */
export function selfSigned(cn: string, spec: Spec = {}): Sender {
  const pair = newPair()
  const subject = named(cn, 'Example')
  const der = certificate({
    serial: serial(),
    notBefore: Date.now() - day,
    notAfter: Date.now() + 90 * day,
    subject,
    issuer: subject,
    key: pair,
    signer: pair,
    ...spec,
    extensions: { eku: kinds.extendedKeyUsage.build([OID.clientAuth]), ...spec.extensions },
  })
  return senderOf(der, pair, [])
}

export function senderOf(der: Buffer, pair: Pair, chain: readonly Buffer[]): Sender {
  return {
    der,
    pem: pemOf(der),
    thumbprint: certificateThumbprint(der),
    pair,
    credential: { cert: pemOf(der, ...chain), key: pkcs8(pair) },
  }
}

/** The same sender, sending other certificates along. */
export const sending = (sender: Sender, ...chain: readonly Buffer[]): Sender =>
  senderOf(sender.der, sender.pair, chain)

export async function trust(
  server: TestServer,
  ca: Pick<Ca, 'pem'>,
  more: Partial<NewTrust> = {},
  tenant: Tenant = server.tenant,
): Promise<TrustInfo> {
  const added = orThrow(await addTrust(tenant, { certificates: ca.pem, ...more }, server.server.services))
  return added[0]!
}

/** A service key with what its sender needs to know of it. */
export interface HeldKey {
  readonly instance: string
  readonly clientid: string
  readonly tokenurl: string
  readonly url: string
  readonly warnings: readonly string[]
  readonly document: Readonly<Record<string, unknown>>
}

let count = 0

/** A new instance with one key, `key`, of these parameters. */
export async function newKey(
  server: TestServer,
  request: Readonly<Record<string, unknown>>,
  parameters: InstanceParameters = {},
  tenant: Tenant = server.tenant,
): Promise<HeldKey> {
  const instance = `holder-${++count}`
  const { services } = server.server
  orThrow(await createInstance(tenant, { name: instance, plan: 'integration-flow', parameters }, services))
  const { document, warnings } = orThrow(await createKey(tenant, instance, 'key', request, services))
  const { clientid, tokenurl, url } = document
  return { instance, clientid, tokenurl, url, warnings, document }
}

/** A key that holds the sender's own certificate. */
export const holds = (
  server: TestServer,
  sender: Pick<Sender, 'pem'>,
  more: Readonly<Record<string, unknown>> = {},
  parameters: InstanceParameters = {},
): Promise<HeldKey> =>
  newKey(server, { 'key-type': 'certificate_external', 'X.509': sender.pem, ...more }, parameters)

/** A key with a certificate of the tenant's own authority, and its sender. */
export async function issued(
  server: TestServer,
  more: Readonly<Record<string, unknown>> = {},
  parameters: InstanceParameters = {},
): Promise<HeldKey & { readonly credential: { readonly cert: string; readonly key: string } }> {
  const key = await newKey(
    server,
    { 'key-type': 'certificate', 'key-length': 256, validity: 30, ...more },
    parameters,
  )
  const { certificate: cert, key: own } = key.document as { certificate: string; key: string }
  return { ...key, credential: { cert, key: own } }
}

/** The first certificate of a PEM text. */
export const leafPem = (chain: string): string =>
  chain.slice(0, chain.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----\n'.length)

/** DER of the first certificate of a PEM text. */
export const derOf = (chain: string): Buffer =>
  Buffer.from(leafPem(chain).replace(/-----[^-]*-----|\s/g, ''), 'base64')

type Credential = { readonly credential: { readonly cert: string; readonly key: string } }

/** A request to the port that asks for a certificate. */
export const callMtls = (
  server: TestServer,
  path: string,
  sender: Credential | undefined,
  options: CallOptions = {},
): Promise<Answer> =>
  callUrl(`${server.mtlsUrl}${path}`, server.ca, {
    ...options,
    ...(sender && { certificate: sender.credential }),
  })

/** A token request over mTLS that says nothing but the grant. */
export const askWith = (
  server: TestServer,
  sender: Credential | undefined,
  parameters: Record<string, string> = {},
  { headers = {}, prefix = '' }: { headers?: Record<string, string>; prefix?: string } = {},
): Promise<Answer> =>
  callMtls(server, `${prefix}/oauth/token`, sender, {
    method: 'POST',
    headers,
    body: { grant_type: 'client_credentials', ...parameters },
  })

/** A message to a flow over mTLS. */
export const sendWith = (
  server: TestServer,
  sender: Credential | undefined,
  { address = '/http/orders', headers = {} }: { address?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  callMtls(server, address, sender, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', ...headers },
    body: 'an order',
  })
