import { type Check, checkList } from '../terminal/checks.ts'
import { details } from '../terminal/table.ts'
import { fullTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { Refused, WrongUsage } from './support/errors.ts'
import { type IdentityAnswer, showIdentity } from './support/identity-answer.ts'
import { readPem, readSecret } from './support/input.ts'

interface DecisionAnswer {
  readonly id: string
  readonly at: string
  readonly surface?: string
  readonly method?: string
  readonly path?: string
  readonly source?: string
  readonly listener?: string
  readonly status?: number
  readonly code: string
  readonly reason: string
  readonly hint?: string
  readonly clientId?: string
  readonly credentialId?: string
  readonly callerCorrelationId?: string
  readonly checks: readonly Check[]
}

interface DryRunAnswer {
  readonly accepted: boolean
  readonly code?: string
  readonly reason: string
  readonly hint?: string
  readonly clientId?: string
  readonly instance?: string
  readonly key?: string
  readonly roles?: readonly string[]
  readonly flow?: string
  readonly checks: readonly Check[]
}

interface ExplainOptions {
  readonly tokenFile?: string
  readonly certificate?: string
  readonly endpoint?: string
  readonly identity?: true
  readonly resourceType?: string
  readonly permission?: string
  readonly resourceId?: string
}

export const define: Define = (command, cli) => {
  command
    .argument('[CORRELATION-ID]', 'of a refused request: the header X-Correlation-Id of its answer')
    .option('--token-file <FILE>', 'try the access token in this file instead; - for standard input')
    .option('--certificate <FILE>', 'try this certificate instead, with the others that the sender sends')
    .option('--endpoint <ADDRESS>', 'try it at this address, such as /http/orders')
    .option('--identity', 'who is that to the identity service, what belongs to him, and may he do it?')
    .option('--resource-type <TYPE>', 'with --identity: what he would act on, such as ROLE')
    .option('--permission <NAME>', 'with --identity: what he would do, such as READ')
    .option('--resource-id <ID>', 'with --identity: on which one; all of them where it is not said')
    .action((id: string | undefined, options: ExplainOptions) => {
      const { tokenFile, certificate, endpoint } = options
      if (options.identity) return identity(id, options, cli)
      if (asksForPermission(options))
        throw new WrongUsage('--resource-type, --permission and --resource-id go with --identity')
      if ([id, tokenFile, certificate].filter(given => given !== undefined).length !== 1)
        throw new WrongUsage('give a correlation id, --token-file FILE or --certificate FILE')
      if (id === undefined) return dryRun({ tokenFile, certificate, endpoint }, cli)
      if (endpoint === undefined) return explain(id, cli)
      throw new WrongUsage('--endpoint goes with --token-file or --certificate')
    })
}

async function explain(id: string, cli: Cli): Promise<void> {
  const record = await findRecord(id, cli)
  const { method, path: address, source, listener, status, code } = record
  const client =
    record.clientId && (record.credentialId ? record.clientId : `${record.clientId} (not proven)`)
  cli.terminal.show(
    record,
    () =>
      details(
        [
          ['Refused', [status, code].join(' ').trim()],
          ['When', fullTime(record.at, cli.now())],
          ['Request', [method, address].join(' ').trim()],
          ['From', [source, listener && `(${listener} port)`].filter(Boolean).join(' ')],
          ['Client', client ?? 'unknown'],
          ["Caller's id", record.callerCorrelationId],
        ],
        cli.terminal.paint,
      ) + conclusion(record, cli),
  )
}

/** Other processes of the server write their records down within a second. */
async function findRecord(id: string, cli: Cli): Promise<DecisionAnswer> {
  const api = await cli.api()
  const find = () => api.get<DecisionAnswer>(path`/decisions/${id}`)
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof Refused) || !/no decision record/.test(error.message)) throw error
    await cli.wait(1000)
    return find()
  }
}

async function dryRun(
  { tokenFile, certificate, endpoint }: { [option in keyof ExplainOptions]: string | undefined },
  cli: Cli,
): Promise<void> {
  const tried =
    tokenFile === undefined
      ? { certificate: await readPem(certificate!, cli) }
      : { token: await readSecret(tokenFile, cli) }
  const api = await cli.api()
  const answer = await api.post<DryRunAnswer>('/explain', { ...tried, endpoint })
  if (!answer.accepted) cli.status = 1
  cli.terminal.show(
    answer,
    () =>
      details(
        [
          [answer.accepted ? 'Accepted' : 'Refused', answer.accepted ? 'yes' : answer.code],
          ['Client', answer.clientId],
          ['Key', answer.key && `${answer.key} of instance ${answer.instance}`],
          ['Roles', answer.roles?.join(' ')],
          ['Flow', answer.flow],
        ],
        cli.terminal.paint,
      ) + conclusion(answer, cli),
  )
}

const asksForPermission = ({ resourceType, permission, resourceId }: ExplainOptions): boolean =>
  [resourceType, permission, resourceId].some(given => given !== undefined)

/** Beside a token a certificate is that of its connection. */
async function identity(id: string | undefined, options: ExplainOptions, cli: Cli): Promise<void> {
  const { tokenFile, certificate, endpoint, resourceType, permission, resourceId } = options
  if (id !== undefined || endpoint !== undefined || (tokenFile ?? certificate) === undefined)
    throw new WrongUsage('--identity takes --token-file FILE or --certificate FILE')
  if ((resourceType === undefined) !== (permission === undefined) || (resourceId && !resourceType))
    throw new WrongUsage('--resource-type and --permission go together')
  const tried = {
    ...(tokenFile !== undefined && { token: await readSecret(tokenFile, cli) }),
    ...(certificate !== undefined && { certificate: await readPem(certificate, cli) }),
  }
  const api = await cli.api()
  const asked = { resourceType, permission, resourceId }
  const answer = await api.post<IdentityAnswer>('/identity/explain', { ...tried, ...asked })
  if (!answer.accepted || answer.explanation?.decision?.allowed === false) cli.status = 1
  cli.terminal.show(answer, () => showIdentity(answer, cli.terminal.paint))
}

function conclusion(answer: { checks: readonly Check[]; reason: string; hint?: string }, cli: Cli): string {
  const { paint } = cli.terminal
  const heading = answer.checks.length > 0 ? `${paint.bold('Checks')}\n` : ''
  const because = details(
    [
      ['Reason', answer.reason],
      ['Hint', answer.hint],
    ],
    paint,
  )
  return `${heading}${checkList(answer.checks, paint)}${because}`
}
