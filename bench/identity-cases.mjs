// THE LIST of cases about the identity service: the same route in each way to show who calls, and with no authentication.
import { join } from 'node:path'
import { makeCertificates } from './certificates.mjs'

const must = (holds, what) => {
  if (!holds) throw new Error(what)
}

const me = ({ url }) => ({
  method: 'GET',
  path: '/v2/authentication/me',
  headers: { Host: url.replace(/^https?:\/\//, ''), Accept: 'application/json' },
})

const asOneself = async (_, send) => {
  const { status, text } = await send()
  must(status === 200, `${status} ${text}`)
  must(JSON.parse(text).username !== null, `nobody is known: ${text}`)
  const forged = await send({ forged: true })
  must(forged.status === 401, `a forged credential got ${forged.status}`)
}

const asCertificate = async (_, send) => {
  const { status, text } = await send()
  must(status === 200 && JSON.parse(text).username !== null, `${status} ${text}`)
  const without = await send({ certificate: undefined })
  must(without.status === 401, `without the certificate the answer is ${without.status}`)
}

const asNobody = async (_, send) => {
  const { status, text } = await send()
  must(status === 200 && JSON.parse(text).username === null, `${status} ${text}`)
}

const side = (name, identity, more) => ({
  name,
  server: 'countersign',
  ours: true,
  options: ({ newDirectory, tls, sender }) => ({
    directory: newDirectory(),
    identity,
    loopMs: 1500,
    ...(identity.way !== 'nothing' &&
      !tls && { tokens: { count: 1000, file: join(newDirectory(), 'credentials') } }),
    ...(tls && { tls, mtls: sender }),
  }),
  request: me,
  verify: asOneself,
  ...more,
})

const byToken = (name, rules) => side(name, { way: 'token', rules })
const bySession = name =>
  side(name, { way: 'session', rules: 10 }, { credential: { header: 'Cookie', prefix: 'camunda-session=' } })
const byNothing = (name, more) => side(name, { way: 'nothing', rules: 10 }, { verify: asNobody, ...more })

const anonymous = 'no authentication'
const above = { kind: 'above', over: anonymous, atMost: 30 }
const kept = { client: { kept: true, connections: 64 } }
const certificates = () => {
  const { server, sender } = makeCertificates()
  return { tls: { cert: server.cert, key: server.key }, ca: server.ca, sender }
}

export const identityCases = [
  {
    name: 'identity',
    title: 'Who am I: by cached token',
    goal: above,
    sides: [byToken('by cached token', 10), byNothing(anonymous)],
  },
  {
    name: 'identity',
    title: 'Who am I: by session',
    goal: above,
    sides: [bySession('by session'), byNothing(anonymous)],
  },
  {
    name: 'identity',
    title: 'Who am I: by certificate, on kept TLS connections',
    goal: above,
    world: certificates,
    sides: [
      side('by certificate', { way: 'certificate', rules: 10 }, { ...kept, verify: asCertificate }),
      byNothing(anonymous, kept),
    ],
  },
  {
    name: 'identity',
    title: 'Who am I, with 10 000 mapping rules',
    goal: { kind: 'within', atMost: 2, of: ['with 10'] },
    sides: [byToken('with 10 000', 10_000), byToken('with 10', 10)],
  },
  {
    name: 'identity',
    title: 'What belongs to a caller, found out anew, with 10 000 rules',
    goal: { kind: 'within', atMost: 2, of: ['with 10'] },
    sides: [
      side('with 10 000', { way: 'token', rules: 10_000 }, { command: 'resolving' }),
      side('with 10', { way: 'token', rules: 10 }, { command: 'resolving' }),
    ],
  },
]
