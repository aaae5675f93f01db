import { z } from 'zod'
import { DerError } from '../../crypto/der.ts'
import { parseDn } from '../../crypto/names.ts'
import { defaultNode, wrongNode } from '../nodes.ts'
import { sendRole } from '../plans.ts'
import { isProblem, type Problem } from '../problem.ts'
import { listOf, members, oneOf, printable, refusal, text, whole } from '../schema.ts'
import { parseAddress } from './address.ts'
import { type AuthorizationDefinition, authorizationWarnings } from './authorizations/index.ts'
import { wrongHeaderName } from './headers.ts'
import { senders } from './senders/index.ts'
import { type StepEntry, stepSchema } from './steps/index.ts'

export { nearestName } from '../nearest.ts'

/** A checked integration flow file. That its role exists and its address is free is for the caller to check. */
export interface FlowDefinition {
  readonly id: string
  readonly name: string
  /** The runtime node that it is deployed to. */
  readonly node: string
  readonly sender: {
    /** One of `senders`. */
    readonly adapter: string
    readonly address: string
    readonly authorization: AuthorizationDefinition
    readonly csrf: boolean
    readonly maxBodyMB: number
    readonly allowedHeaders: readonly string[]
  }
  readonly steps: readonly StepEntry[]
  readonly receiver: {
    readonly adapter: string
    readonly url: string
    /** Name of the security material to call the receiver with. */
    readonly credential?: string | undefined
    readonly timeoutSeconds: number
  }
  /** For the operator: what was read otherwise than written. */
  readonly warnings: readonly string[]
}

/** How some of the described pages spell `sendRole`. */
const secondSpelling = 'ESBmessaging.send'

const authorizationExample = `{ userRole: ${sendRole} }`
const names = members(
  {
    subjectDN: text('CN=sender,O=Example,C=DE', wrongName),
    issuerDN: text('CN=Example CA,O=Example,C=DE', wrongName),
  },
  '{ subjectDN: CN=sender, issuerDN: CN=Example CA }',
)
/** One of the two members; both, or a strange one, are refused with the name of it. */
const authorization = members(
  {
    userRole: text(sendRole, wrongRole).optional(),
    clientCertificates: listOf(names, 100, '[{ subjectDN: CN=sender, issuerDN: CN=Example CA }]').optional(),
  },
  authorizationExample,
).transform(({ userRole, clientCertificates }, check): AuthorizationDefinition => {
  if (clientCertificates === undefined) return { userRole: userRole ?? sendRole }
  if (userRole !== undefined || clientCertificates.length === 0)
    check.addIssue({
      code: 'custom',
      message:
        userRole === undefined
          ? 'clientCertificates is empty, so that nobody could call: list a pair of names'
          : 'write userRole or clientCertificates, not both',
    })
  return { clientCertificates }
})

const sender = members(
  {
    adapter: oneOf(senders.map(each => each.kind)),
    address: text('/orders', wrongAddress),
    authorization: authorization.prefault({}),
    csrf: z.boolean({ error: 'write true or false' }).default(false),
    maxBodyMB: whole(1, 1024).default(40),
    allowedHeaders: listOf(text('X-Source', wrongHeaderName), 100, '[X-Source]').default([]),
  },
  '{ adapter: HTTPS, address: /orders }',
)

const receiver = members(
  {
    adapter: oneOf(['HTTP']),
    url: text('http://127.0.0.1:9000/orders', wrongUrl),
    credential: text('erp', wrongLabel).optional(),
    timeoutSeconds: whole(1, 3600).default(60),
  },
  '{ adapter: HTTP, url: http://127.0.0.1:9000/orders }',
)

/** The flow file, as YAML or JSON was read. */
export const flowSchema = members(
  {
    id: text('orders', wrongId),
    name: text('Orders intake', wrongLabel).optional(),
    node: text(defaultNode, wrongNode).default(defaultNode),
    sender,
    steps: listOf(stepSchema, 50, '[]').default([]),
    receiver,
  },
  'a mapping with id, sender and receiver',
)

/** Reads a flow file. The problem names everything that is wrong, each with its place and what to write instead. */
export function parseFlow(input: unknown): FlowDefinition | Problem {
  const read = flowSchema.safeParse(input)
  if (!read.success)
    return refusal(read.error, 'flow file', 'Correct the flow file as said and deploy it again.')
  const flow = read.data
  const written = flow.sender.authorization
  const misspelled = 'userRole' in written && written.userRole === secondSpelling
  const authorization = misspelled ? { userRole: sendRole } : written
  return {
    ...flow,
    name: flow.name ?? flow.id,
    sender: { ...flow.sender, authorization },
    warnings: [
      ...(misspelled
        ? [`sender.authorization.userRole: ${secondSpelling} is read as ${sendRole}, write it so`]
        : []),
      ...authorizationWarnings(authorization),
    ],
  }
}

/** The text to store: `parseFlow` reads the same definition from it, without the warnings. */
export function formatFlow({ warnings: _, ...flow }: FlowDefinition): string {
  return JSON.stringify(flow)
}

function wrongId(id: string): string | undefined {
  return /^[A-Za-z0-9._-]{1,80}$/.test(id) && id !== '.' && id !== '..'
    ? undefined
    : 'write 1 to 80 letters, digits and . _ -, such as orders'
}

function wrongLabel(label: string): string | undefined {
  return /^[^\p{C}]{1,150}$/u.test(label) && label.trim() === label
    ? undefined
    : 'write 1 to 150 printable characters, without white space at either end'
}

function wrongRole(role: string): string | undefined {
  return /^[A-Za-z0-9_.]{1,255}$/.test(role)
    ? undefined
    : `write the name of a role, letters, digits and _ ., such as ${sendRole}`
}

function wrongName(name: string): string | undefined {
  try {
    parseDn(name)
    return undefined
  } catch (error) {
    if (error instanceof DerError)
      return `${printable(error.message)}, write a name such as CN=sender,O=Example`
    throw error
  }
}

function wrongAddress(address: string): string | undefined {
  const parsed = parseAddress(address)
  return isProblem(parsed) ? parsed.description : undefined
}

function wrongUrl(value: string): string | undefined {
  const url = URL.parse(value)
  if (!url || !/^https?:\/\/[^\s\\]+$/i.test(value))
    return 'write an address with http:// or https://, such as http://127.0.0.1:9000/orders'
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password, name security material in receiver.credential instead'
  if (value.includes('#')) return 'must not have a fragment, leave out the part from # on'
  return undefined
}
