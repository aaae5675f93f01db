import type { ServerResponse } from 'node:http'
import { withoutRoot } from '../../client/index.ts'
import { type Authority, answerOcsp, chainAbove, issuerOf, rootsOf } from '../../core/authority/index.ts'
import { renewCertificate } from '../../core/broker/index.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { encodePem } from '../../crypto/pem.ts'
import { answerProblem, commonHeaders, type FlatHeaders } from './answer.ts'
import { readBytes } from './body.ts'
import { observeRefusal, type Surface } from './observe.ts'
import { resourceProblem } from './problems.ts'
import type { EnvelopedRequest } from './request.ts'
import type { Services } from './services.ts'
import { unexpected } from './unexpected.ts'

/** What an address of the authority answers. */
interface PkiAnswer {
  readonly type: string
  readonly body: Buffer | string
  readonly headers?: FlatHeaders
}

type Answer = (request: EnvelopedRequest, name: string) => Promise<PkiAnswer | Problem>

interface PkiAddress {
  readonly methods: readonly string[]
  readonly path: RegExp
  readonly answer: Answer
}

const surface: Surface = { name: 'pki', checks: () => ['address', 'client certificate', 'request form'] }

const pem = 'application/pem-certificate-chain'
const mostOcspRequest = 16 * 1024
const mostCsr = 64 * 1024
/** Others may keep it for so long; what changes at once is asked for under its own name. */
const shortly: FlatHeaders = ['Cache-Control', 'public, max-age=300']

/** The authority's addresses (`/pki/...`): its certificates, revocation lists, OCSP (RFC 6960), and renewal. */
export function createPki(services: Services) {
  const { authorities, crls, context } = services

  const members = async ({ envelope }: EnvelopedRequest): Promise<Authority> =>
    authorities.of(envelope.tenant.id)
  const pemOf = (list: readonly { certificate: { raw: Buffer } }[]): PkiAnswer => ({
    type: pem,
    body: list.map(({ certificate }) => encodePem('CERTIFICATE', certificate.raw)).join(''),
    headers: shortly,
  })

  const addresses: readonly PkiAddress[] = [
    {
      methods: ['GET', 'HEAD'],
      path: /^\/pki\/ca\.pem$/,
      answer: async request => pemOf(rootsOf(await members(request), context.now())),
    },
    {
      methods: ['GET', 'HEAD'],
      path: /^\/pki\/chain\.pem$/,
      async answer(request) {
        const authority = await members(request)
        const issuer = issuerOf(authority, context.now())
        return issuer ? pemOf([issuer, ...chainAbove(authority, issuer)]) : notThere
      },
    },
    {
      methods: ['GET', 'HEAD'],
      path: /^\/pki\/certs\/([0-9a-f]{1,64})\.cer$/,
      async answer(request, id) {
        const member = (await members(request)).members.find(one => one.id === id)
        return member
          ? { type: 'application/pkix-cert', body: member.certificate.raw, headers: shortly }
          : notThere
      },
    },
    {
      methods: ['GET', 'HEAD'],
      path: /^\/pki\/crl\/([0-9a-f]{1,64})\.crl$/,
      async answer({ envelope }, id) {
        const crl = await crls.current(envelope.tenant.id, id)
        return crl
          ? { type: 'application/pkix-crl', body: crl.der, headers: ['Cache-Control', 'no-cache'] }
          : notThere
      },
    },
    { methods: ['POST'], path: /^\/pki\/ocsp\/?$/, answer: answerOcspPost },
    { methods: ['GET'], path: /^\/pki\/ocsp\/(.+)$/, answer: answerOcspGet },
    { methods: ['POST'], path: /^\/pki\/renew$/, answer: renew },
  ]

  async function answerOcspPost(request: EnvelopedRequest): Promise<PkiAnswer | Problem> {
    const body = await readBytes(request, mostOcspRequest)
    return isProblem(body) ? body : ocsp(body, request)
  }

  /** RFC 6960 appendix A.1: base64 in the path, percent-encoded. */
  async function answerOcspGet(request: EnvelopedRequest, encoded: string): Promise<PkiAnswer | Problem> {
    const text = decodeURIComponent(encoded).replace(/ /g, '+')
    return ocsp(Buffer.from(text.slice(0, 2 * mostOcspRequest), 'base64'), request)
  }

  async function ocsp(body: Buffer, { envelope }: EnvelopedRequest): Promise<PkiAnswer> {
    return {
      type: 'application/ocsp-response',
      body: await answerOcsp(body, envelope.tenant, services),
      headers: ['Cache-Control', 'no-cache'],
    }
  }

  /**
   * A signing request for the certificate of the connection; the answer is the new certificate with what a sender sends
   * along, ready to take the place of `client.pem`; as JSON, the service key.
   */
  async function renew(request: EnvelopedRequest): Promise<PkiAnswer | Problem> {
    const { tenant, source, certificate, correlationId } = request.envelope
    if (certificate && request.headers.authorization !== undefined) return twoCredentials
    if (!certificate)
      return new Problem('no_credentials', 'a client certificate is needed', {
        check: 'client certificate',
        reason: 'a certificate is renewed by its holder, who proves to hold it; the connection has none',
        hint: `Let the sender use ${services.addresses.mtls(tenant)}/pki/renew, with the certificate that is to be renewed.`,
      })
    const body = await readBytes(request, mostCsr)
    if (isProblem(body)) return body
    const query = new URLSearchParams(request.envelope.query)
    const authority = query.get('authority') ?? undefined
    const csr = body[0] === 0x30 ? body.toString('base64') : body.toString('utf8')
    const renewed = await renewCertificate(
      certificate,
      { csr, ...(authority !== undefined && { authority }) },
      { tenant, source },
      services,
    )
    if (isProblem(renewed)) return renewed
    const { document, key } = renewed
    context.log.info({ correlationId, tenant: tenant.name, clientId: key.clientId }, 'certificate renewed')
    const json = /\bjson\b/.test(request.headers.accept ?? '')
    return {
      type: json ? 'application/json;charset=UTF-8' : pem,
      body: json ? `${JSON.stringify(document)}\n` : withoutRoot(String(document.certificate)),
      headers: ['Cache-Control', 'no-store'],
    }
  }

  function refuse(problem: Problem, request: EnvelopedRequest, response: ServerResponse): void {
    const rendered = resourceProblem(problem, request.envelope, request.envelope.tenant.name)
    observeRefusal(problem, rendered.status, request, surface, services)
    if (!request.complete) response.shouldKeepAlive = false
    answerProblem(response, rendered)
  }

  async function run(request: EnvelopedRequest, response: ServerResponse): Promise<PkiAnswer | Problem> {
    const { path } = request.envelope
    const here = addresses.filter(address => address.path.test(path))
    if (here.length === 0) return notThere
    const address = here.find(({ methods }) => methods.includes(request.method!))
    if (!address) {
      const allowed = here.flatMap(({ methods }) => methods).join(', ')
      response.setHeader('Allow', allowed)
      return new Problem('method_not_allowed', `${allowed} only`, { check: 'address' })
    }
    return address.answer(request, address.path.exec(path)![1] ?? '')
  }

  return {
    /** Does this path belong to the authority? */
    serves: (path: string) => path.startsWith('/pki/'),

    async handle(request: EnvelopedRequest, response: ServerResponse): Promise<void> {
      try {
        const result = await run(request, response)
        if (isProblem(result)) return refuse(result, request, response)
        const body = typeof result.body === 'string' ? Buffer.from(result.body) : result.body
        response.writeHead(200, [
          ...commonHeaders(response),
          'Content-Type',
          result.type,
          'Content-Length',
          String(body.length),
          ...(result.headers ?? []),
        ])
        response.end(request.method === 'HEAD' ? undefined : body)
      } catch (error) {
        refuse(unexpected(error, services), request, response)
      }
    },
  }
}

const notThere = new Problem('not_found', 'there is no such address', {
  check: 'address',
  hint: 'The addresses are /pki/ca.pem, /pki/chain.pem, /pki/crl/ID.crl, /pki/certs/ID.cer, /pki/ocsp and POST /pki/renew.',
})

const twoCredentials = new Problem('invalid_request', 'more than one credential', {
  check: 'client certificate',
  reason: 'an Authorization header and a certificate were sent: exactly one credential identifies a caller',
  hint: 'Leave the Authorization header out: the certificate renews itself.',
})
