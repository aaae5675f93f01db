import { parse } from 'yaml'
import { table } from '../terminal/table.ts'
import { relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'
import { readText } from './support/input.ts'

interface FlowAnswer {
  readonly id: string
  readonly name: string
  readonly node: string
  readonly endpoint: string
  readonly deployedAt: string
  readonly sender: { readonly authorization: Authorization }
}

interface Authorization {
  readonly userRole?: string
  readonly clientCertificates?: readonly unknown[]
}

interface MessageAnswer {
  readonly flow: string
  readonly status: string
  readonly httpStatus?: number
  readonly sender: string
  readonly startedAt: string
  readonly endedAt: string
  readonly correlationId: string
  readonly error?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the deployed integration flows')
    .action(async () => {
      const api = await cli.api()
      const { flows } = await api.get<{ flows: FlowAnswer[] }>('/flows')
      terminal.show(flows, () =>
        flows.length === 0
          ? `There are none yet. Next: ${cli.next('flow deploy FILE')}\n`
          : table(
              flows,
              [
                { title: 'ID', cell: flow => flow.id },
                { title: 'NAME', cell: flow => flow.name },
                { title: 'LETS IN', cell: flow => whoIsLetIn(flow.sender.authorization) },
                { title: 'DEPLOYED', cell: flow => relativeTime(flow.deployedAt, cli.now()) },
                { title: 'ENDPOINT', cell: flow => flow.endpoint },
              ],
              terminal.paint,
            ),
      )
    })

  command
    .command('deploy')
    .description('Deploy an integration flow, or replace the one of the same id')
    .argument('<FILE>', 'a flow in YAML or JSON; - for standard input')
    .action(async (file: string) => {
      const definition = await readFlow(file, cli)
      const api = await cli.api()
      const answer = await api.post<{ id: string; endpoint: string; warnings: string[] }>(
        '/flows',
        definition,
      )
      for (const warning of answer.warnings) terminal.warn(warning)
      terminal.show(answer, () => `Flow ${answer.id} takes messages at ${answer.endpoint}\n`)
    })

  command
    .command('undeploy')
    .description('Undeploy an integration flow')
    .argument('<ID>')
    .action(async (id: string) => {
      const api = await cli.api()
      await api.delete(path`/flows/${id}`)
      terminal.show({ undeployed: id }, () => `Flow ${id} takes no messages any more.\n`)
    })

  command
    .command('logs')
    .description('Show the message log, newest first')
    .argument('[ID]', 'of this flow only')
    .option('--limit <N>', 'how many messages, up to 1000 (default: 100)')
    .action(async (id: string | undefined, { limit }: { limit?: string }) => {
      const query = new URLSearchParams({
        ...(id !== undefined && { flow: id }),
        ...(limit !== undefined && { limit: count(limit) }),
      })
      const api = await cli.api()
      const { messages } = await api.get<{ messages: MessageAnswer[] }>(`/messages?${query}`)
      terminal.show(messages, () =>
        messages.length === 0 ? 'No message yet.\n' : showMessages(messages, cli),
      )
    })
}

function whoIsLetIn({ userRole, clientCertificates }: Authorization): string {
  if (clientCertificates === undefined) return userRole ?? ''
  return `certificates of ${clientCertificates.length} name${clientCertificates.length === 1 ? '' : 's'}`
}

function showMessages(messages: readonly MessageAnswer[], cli: Cli): string {
  const { paint } = cli.terminal
  return table(
    messages,
    [
      { title: 'WHEN', cell: message => relativeTime(message.startedAt, cli.now()) },
      { title: 'FLOW', cell: message => message.flow },
      { title: 'STATUS', cell: message => message.status },
      { title: 'HTTP', cell: message => String(message.httpStatus ?? ''), align: 'right' },
      {
        title: 'MS',
        cell: message => String(Date.parse(message.endedAt) - Date.parse(message.startedAt)),
        align: 'right',
      },
      { title: 'SENDER', cell: message => message.sender },
      { title: 'CORRELATION ID', cell: message => message.correlationId },
      { title: 'ERROR', cell: message => message.error ?? '' },
    ],
    paint,
  )
}

async function readFlow(file: string, cli: Cli): Promise<object> {
  const name = file === '-' ? 'standard input' : file
  const text = await readText(file, cli)
  let definition: unknown
  try {
    definition = parse(text)
  } catch (error) {
    throw new WrongUsage(`${name} is neither YAML nor JSON: ${(error as Error).message.trimEnd()}`)
  }
  if (typeof definition === 'object' && definition !== null && !Array.isArray(definition)) return definition
  throw new WrongUsage(`${name} must hold a mapping with id, sender and receiver`)
}

function count(text: string): string {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1000) return text
  throw new WrongUsage(`--limit must be a number from 1 to 1000, not ${text}`)
}
