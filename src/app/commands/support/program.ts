import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { printable } from '../../terminal/paint.ts'
import { quote } from '../../terminal/quote.ts'
import { createTerminal } from '../../terminal/terminal.ts'
import type { Cli, CommandEntry, GlobalOptions, Surroundings } from './command.ts'
import { type Refused, WrongUsage } from './errors.ts'
import { createTrust } from './trust.ts'

/** Runs one command line (without node and script). Resolves with the exit status: 0 done, 1 refused, 2 wrong usage. */
export async function run(
  args: readonly string[],
  commands: readonly CommandEntry[],
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr } = surroundings
  const program = createProgram()
    .exitOverride()
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      outputError: (text, write) => write(text + hintAt(text)),
    })
  const cli = createCli(program, surroundings)
  try {
    const wanted = wantedCommand(args)
    for (const { name, description, load } of commands) {
      const command = program.command(name).description(description)
      if (name === wanted) (await load()).define(command, cli)
    }
    await program.parseAsync(args, { from: 'user' })
    return cli.status
  } catch (error) {
    return report(error, stderr)
  }
}

function createProgram(): Command {
  return new Command('countersign')
    .description('Machine-to-machine authentication: token server, service keys, guarded integration flows')
    .version(ownVersion())
    .option('--url <URL>', 'base of the server (default: as the credentials say)')
    .option(
      '--credentials <FILE>',
      "the administrator's service key (default: admin.json of the data directory)",
    )
    .option('--ca <FILE>', "root of the server's certificate (default: ca.pem of the data directory)")
    .option('--tenant <NAME>', 'the tenant to act on (default: that of the credentials, default)')
    .option('--json', 'print one JSON document')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nThe data directory is $COUNTERSIGN_DATA_DIR, else ./countersign-data.\n' +
        'Exit status: 0 done, 1 refused, 2 wrong usage.',
    )
}

/** The command that the line names: only its file is read. What is wrong with the line is said later. */
function wantedCommand(args: readonly string[]): string | undefined {
  const silent = { writeOut: () => {}, writeErr: () => {} }
  try {
    const { operands } = createProgram()
      .exitOverride()
      .configureOutput(silent)
      .parseOptions([...args])
    return operands[0] === 'help' ? operands[1] : operands[0]
  } catch {
    return undefined
  }
}

function createCli(program: Command, surroundings: Surroundings): Cli {
  const options = () => program.opts<GlobalOptions>()
  const cli: Cli = {
    ...surroundings,
    terminal: createTerminal(surroundings, surroundings.env, () => options().json),
    get options() {
      return options()
    },
    async api() {
      const { chosenApi } = await import('./credentials.ts')
      return chosenApi(cli)
    },
    trust: () => createTrust(options().ca, surroundings.env),
    next(command) {
      const { url, credentials, ca, tenant } = options()
      const given = Object.entries({ url, credentials, ca, tenant }).filter(
        ([, value]) => value !== undefined,
      )
      return ['countersign', command, ...given.flatMap(([name, value]) => [`--${name}`, quote(value!)])].join(
        ' ',
      )
    },
    status: 0,
  }
  return cli
}

/** A thumbprint and a name may begin with `-`; one dash and many letters are hardly meant as an option. */
function hintAt(complaint: string): string {
  return /unknown option '-[^-]../.test(complaint)
    ? 'hint: before arguments that begin with - write --, after all options\n'
    : ''
}

function report(error: unknown, stderr: NodeJS.WritableStream): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const { message, hint, correlationId } = error as Refused
  // A message may have lines of its own; nothing else may move the cursor.
  for (const line of `error: ${message}`.split('\n')) stderr.write(`${printable(line)}\n`)
  if (hint !== undefined) stderr.write(`hint: ${printable(hint)}\n`)
  if (correlationId !== undefined) stderr.write(`correlation id: ${printable(correlationId)}\n`)
  return error instanceof WrongUsage ? 2 : 1
}

function ownVersion(): string {
  const file = new URL('../../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
