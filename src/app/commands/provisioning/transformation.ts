import { Argument, type Command, Option } from 'commander'
import { quote } from '../../terminal/quote.ts'
import { details, table } from '../../terminal/table.ts'
import { path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused, WrongUsage } from '../support/errors.ts'
import { readJson } from '../support/input.ts'
import type { SystemAnswer } from './system-answer.ts'

interface TrialAnswer {
  readonly outcome: 'mapped' | 'skipped' | 'failed'
  readonly reason?: string
  readonly document?: object
  readonly variables?: Readonly<Record<string, unknown>>
  readonly differences: readonly {
    readonly path: string
    readonly before?: string
    readonly after?: string
  }[]
}

interface TryOptions {
  readonly group?: boolean
  readonly transformation?: string
  readonly operation?: string
}

const kind = () =>
  new Argument('<read|write>', 'of reading from it, or of writing to it').choices(['read', 'write'])
const place = (system: string, which: string) =>
  path`/provisioning/systems/${system}/transformations/${which}`

export function defineTransformations(command: Command, cli: Cli): void {
  const { terminal } = cli
  command.description('What becomes of an entity on its way out of a source and into a target')

  command
    .command('show')
    .description('Print the transformation in use as JSON')
    .argument('<SYSTEM>')
    .addArgument(kind())
    .action(async (system: string, which: string) => {
      const api = await cli.api()
      const answer = await api.get<{ own: boolean; transformation: unknown }>(place(system, which))
      terminal.show(answer, () => `${JSON.stringify(answer.transformation, null, 2)}\n`)
    })

  command
    .command('set')
    .description('Put a transformation of its own in the place of that of the type')
    .argument('<SYSTEM>')
    .addArgument(kind())
    .argument('<FILE>', 'JSON; - for standard input')
    .action(async (system: string, which: string, file: string) => {
      const document = await readObject(file, cli)
      const changed = await (await cli.api()).put<SystemAnswer>(place(system, which), document)
      terminal.show(
        changed,
        () =>
          `${changed.name} has a ${which} transformation of its own.\n` +
          `Try it: ${cli.next(`provisioning transformation try ${quote(changed.name)} ${which} ENTITY.json`)}\n`,
      )
    })

  command
    .command('reset')
    .description('Use the transformation of the type again')
    .argument('<SYSTEM>')
    .addArgument(kind())
    .action(async (system: string, which: string) => {
      await (await cli.api()).delete(place(system, which))
      terminal.show(
        { reset: system, kind: which },
        () => `${system} has the ${which} transformation of its type.\n`,
      )
    })

  command
    .command('try')
    .description('Put an entity through a transformation, and show what would come of it; nothing is changed')
    .argument('<SYSTEM>')
    .addArgument(kind())
    .argument('<FILE>', 'the entity as JSON; - for standard input')
    .option('--group', 'it is a group (default: a user)')
    .option('--transformation <FILE>', 'this one (default: the one in use)')
    .addOption(
      new Option('--operation <WHAT>', 'what is being done in the target (default: create)').choices([
        'create',
        'update',
        'delete',
      ]),
    )
    .action(async (system: string, which: string, file: string, options: TryOptions) => {
      if (options.operation !== undefined && which === 'read')
        throw new WrongUsage('--operation goes with write: nothing is done while reading')
      const body = {
        entityType: options.group ? 'group' : 'user',
        entity: await readObject(file, cli),
        ...(options.transformation !== undefined && {
          transformation: await readObject(options.transformation, cli),
        }),
        ...(options.operation !== undefined && { operation: options.operation }),
      }
      const tried = await (await cli.api()).post<TrialAnswer>(`${place(system, which)}/dry-run`, body)
      terminal.show(tried, () => showTrial(tried, cli))
      if (tried.outcome === 'failed') throw new Refused('the entity cannot be transformed')
    })
}

async function readObject(file: string, cli: Cli): Promise<object> {
  const value = await readJson(file, cli)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new WrongUsage(`${file === '-' ? 'standard input' : file} must hold a JSON object`)
}

function showTrial(
  { outcome, reason, document, variables = {}, differences }: TrialAnswer,
  cli: Cli,
): string {
  const { paint } = cli.terminal
  const facts = details(
    [
      [
        'Outcome',
        outcome,
        outcome === 'mapped' ? paint.green : outcome === 'failed' ? paint.red : paint.yellow,
      ],
      ['Reason', reason],
      ...Object.entries(variables).map(([name, value]) => [`\${${name}}`, text(value)] as const),
    ],
    paint,
  )
  if (outcome !== 'mapped') return facts
  const changes = table(
    differences,
    [
      { title: 'CHANGES AT', cell: one => one.path },
      { title: 'BEFORE', cell: one => one.before ?? '' },
      { title: 'AFTER', cell: one => one.after ?? '' },
    ],
    paint,
  )
  return [facts, ...(differences.length > 0 ? [changes] : []), `${JSON.stringify(document, null, 2)}\n`].join(
    '\n',
  )
}

const text = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
