import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { formatName, parseName } from '../../crypto/names.ts'
import { type Context, iso } from '../context.ts'
import { type KeystoreIdentities, type KeystoreTable, whyOutOfDate } from '../keystore/index.ts'
import { isLinkLocal } from '../network.ts'
import { shownCertificate } from '../outbound/index.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { type ChainCertificate, judgeChain } from './chain.ts'
import { hostFits } from './hosts.ts'
import type { Probe, Probed, ProbeFailure } from './probe.ts'

/** What is asked for. */
export interface ConnectionRequest {
  /** A host name, an address, or a URL. */
  readonly address: string
  /** Default: that of the URL, else 443. */
  readonly port?: number | undefined
  /** Alias of a key pair to show. */
  readonly clientCertificate?: string | undefined
  /** Must the server be trusted, and be the one that was asked for? */
  readonly verify: boolean
}

export interface ConnectionCheck {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'not reached'
  /** Why it failed. */
  readonly reason: string | undefined
}

/** What a connection showed. */
export interface ConnectionReport {
  readonly host: string
  readonly port: number
  /** Would a connection from here to there work? */
  readonly works: boolean
  readonly reason: string | undefined
  readonly hint: string | undefined
  readonly checks: readonly ConnectionCheck[]
  readonly addresses: readonly string[]
  readonly address: string | undefined
  readonly protocol: string | undefined
  readonly cipher: string | undefined
  readonly certificates: readonly ChainCertificate[]
  /** The authority whose certificate is missing here. */
  readonly missingRoot: string | undefined
  readonly asksForCertificate: boolean | undefined
  /** The authorities of which it takes one; empty: it does not say. */
  readonly acceptedAuthorities: readonly string[]
}

export interface ConnectionTesting {
  readonly probe: Probe
  /** The tenant's key pairs. */
  readonly keystore: KeystoreIdentities
  /** What has no private key there is trusted when others are called. */
  readonly store: Transactions<{ keystore: KeystoreTable }>
  readonly context: Pick<Context, 'now'>
}

const steps = ['name', 'connection', 'tls', 'certificate trusted', 'host name', 'client certificate'] as const
type Step = (typeof steps)[number]

interface Finding {
  readonly step: Step
  readonly reason: string
  readonly hint: string
}

/**
 * Tries a TLS connection to where others are, and says what happened at each step, and what to do about it. Nothing is
 * sent but the handshake.
 */
export async function testConnection(
  tenant: Tenant,
  request: ConnectionRequest,
  { probe, keystore, store, context }: ConnectionTesting,
): Promise<ConnectionReport | Problem> {
  const target = readTarget(request)
  if (isProblem(target)) return target
  const { clientCertificate: alias, verify } = request
  const identity = alias === undefined ? undefined : await keystore.find(tenant.id, alias)
  if (isProblem(identity)) return identity
  const outOfDate = identity && whyOutOfDate(identity, context.now())
  const probed = await probe.probe({ ...target, identity: identity && shownCertificate(identity) })
  const roots = [...(await trustedBy(tenant, store.read.keystore)), ...probe.publicRoots()].flatMap(readRoot)
  const chain = probed.tls && judgeChain(probed.tls.certificates, roots, context.now())
  const findings = [
    ofFailure(probed.failure, target, alias, outOfDate),
    probed.tls && !chain && unreadable(target.host),
    chain?.trusted === false && ofChain(chain, context.now()),
    chain && !hostFits(target.host, chain.hosts) && ofHost(target.host, chain.hosts),
    ofCertificateRequest(probed, alias),
  ]
    .filter((one): one is Finding => Boolean(one))
    .toSorted((a, b) => steps.indexOf(a.step) - steps.indexOf(b.step))
  const [first] = findings.filter(
    ({ step }) => verify || (step !== 'certificate trusted' && step !== 'host name'),
  )
  return {
    ...target,
    works: first === undefined,
    reason: first?.reason,
    hint: first ? first.hint : outOfDate && `Replace it before long: ${outOfDate}.`,
    checks: steps.map(name => ({
      name,
      outcome: outcomeOf(name, findings, probed, chain !== undefined),
      reason: findings.find(({ step }) => step === name)?.reason,
    })),
    addresses: probed.addresses,
    address: probed.address,
    protocol: probed.tls?.protocol,
    cipher: probed.tls?.cipher,
    certificates: chain?.certificates ?? [],
    missingRoot: chain?.missing,
    asksForCertificate: probed.tls && probed.tls.certificateRequest !== undefined,
    acceptedAuthorities: probed.tls?.certificateRequest?.authorities.map(showName) ?? [],
  }
}

async function trustedBy({ id }: Tenant, keystore: KeystoreTable): Promise<Buffer[]> {
  const entries = await keystore.list(id)
  return entries.filter(({ sealedKey }) => sealedKey === undefined).flatMap(({ chain }) => chain)
}

function readTarget({ address, port: given }: ConnectionRequest): { host: string; port: number } | Problem {
  const refuse = (reason: string) => new Problem('invalid_input', reason)
  const isUrl = address.includes('://')
  const isBareIpv6 = /^[0-9a-f:.]+:[0-9a-f.]*:[0-9a-f:.]*$/i.test(address)
  const text = isUrl ? address : `https://${isBareIpv6 ? `[${address}]` : address}`
  if (!URL.canParse(text)) return refuse(`${address.slice(0, 200)} is no host and no address`)
  const url = new URL(text)
  if (url.protocol !== 'https:' && isUrl)
    return refuse('only TLS is tested: give an https address, or a host')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = given ?? (url.port === '' ? 443 : Number(url.port))
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) return refuse('a port is a number up to 65535')
  // Where clouds keep the credentials of their machines (design 3.14).
  if (isLinkLocal(host)) return refuse('a link-local address is never called')
  return { host, port }
}

const failureHints: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The name is not known: look for typing errors, and at the DNS of this computer.',
  EAI_AGAIN: 'The DNS of this computer does not answer.',
  ECONNREFUSED: 'Nothing listens there: check the port, and that the service runs.',
  ETIMEDOUT: 'Nothing answers: does a firewall drop the connection, on this side or the other?',
  ELINKLOCAL: 'Link-local addresses are never called.',
}

function ofFailure(
  failure: ProbeFailure | undefined,
  { host, port }: { host: string; port: number },
  alias: string | undefined,
  outOfDate: string | undefined,
): Finding | undefined {
  if (!failure) return undefined
  const { step, code, message } = failure
  if (step === 'client certificate')
    return alias === undefined
      ? {
          step,
          reason: `${host} wants a client certificate (${code})`,
          hint: 'Show one of the keystore: --client-certificate ALIAS.',
        }
      : {
          step,
          reason: [`${host} did not accept the client certificate ${alias} (${code})`, outOfDate]
            .filter(Boolean)
            .join(': '),
          hint: outOfDate
            ? 'Have it signed anew: countersign keystore csr, then keystore chain; or import its successor with --replace.'
            : 'Compare its issuer with the authorities that the server names, and its dates; some servers also want it to be registered.',
        }
  return {
    step,
    reason: `${host}:${port}: ${message} (${code})`,
    hint:
      failureHints[code] ??
      (step === 'tls'
        ? 'Does this port speak TLS 1.2 or 1.3? Some servers end the handshake where a certificate or a host name is missing.'
        : 'Check address, network and firewalls.'),
  }
}

function ofChain(
  {
    reason,
    missing,
    certificates: [leaf],
  }: { reason?: string | undefined; missing?: string | undefined; certificates: readonly ChainCertificate[] },
  now: number,
): Finding {
  const ended = leaf !== undefined && leaf.notAfter < now
  return {
    step: 'certificate trusted',
    reason: reason ?? 'the chain of the server is not trusted',
    hint: ended
      ? `The server's certificate ended on ${iso(leaf.notAfter)}: its operator has to renew it.`
      : missing === undefined
        ? 'Tell the operator of the server.'
        : `Have the certificate of ${missing} in the keystore: compare its fingerprint with what its owner publishes, then countersign keystore import ALIAS FILE.`,
  }
}

const unreadable = (host: string): Finding => ({
  step: 'certificate trusted',
  reason: `the certificate of ${host} cannot be read`,
  hint: 'Tell the operator of the server: clients refuse such a one.',
})

const ofHost = (host: string, names: readonly string[]): Finding => ({
  step: 'host name',
  reason: `the certificate is not for ${host}, but for ${names.slice(0, 10).join(', ') || 'no host at all'}`,
  hint: 'Use the name that stands in the certificate, or have one issued for this name.',
})

function ofCertificateRequest({ tls, failure }: Probed, alias: string | undefined): Finding | undefined {
  if (!tls || failure || alias === undefined || tls.certificateRequest) return undefined
  return {
    step: 'client certificate',
    reason: `the server asked for no client certificate, so ${alias} was not shown`,
    hint: 'Is there another host or port for certificates? Some servers ask only after the first request.',
  }
}

function outcomeOf(
  step: Step,
  findings: readonly Finding[],
  { failure }: Probed,
  isReadable: boolean,
): ConnectionCheck['outcome'] {
  if (findings.some(one => one.step === step)) return 'failed'
  if (step === 'host name' && !isReadable) return 'not reached'
  const end = failure ? steps.indexOf(failure.step) : steps.length
  return steps.indexOf(step) < end ? 'passed' : 'not reached'
}

function readRoot(der: Buffer): Certificate[] {
  try {
    return [parseCertificate(der)]
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

function showName(der: Buffer): string {
  try {
    return formatName(parseName(der))
  } catch (error) {
    if (error instanceof DerError) return '(a name that cannot be read)'
    throw error
  }
}
