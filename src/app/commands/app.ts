import { type Command, Option } from 'commander'
import { path } from './support/admin-api.ts'
import {
  type AppAnswer,
  type AppCertificateAnswer,
  type AppSecretAnswer,
  showApp,
  showApps,
  showCertificates,
  showSecrets,
} from './support/app-answer.ts'
import { type Cli, collect, type Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'
import { readPem } from './support/input.ts'
import { wholeNumber } from './support/key-request.ts'

interface Settings {
  readonly idUri?: string
  readonly tokenVersion?: string
  readonly assignmentRequired?: boolean
  readonly assertionReplay?: string
  readonly appRole?: readonly string[]
}

export const define: Define = (command, cli) => {
  const { terminal } = cli
  const show = async (id: string): Promise<AppAnswer> => (await cli.api()).get<AppAnswer>(path`/apps/${id}`)

  command
    .command('list')
    .description('List applications')
    .action(async () => {
      const api = await cli.api()
      const { apps } = await api.get<{ apps: AppAnswer[] }>('/apps')
      terminal.show(apps, () =>
        apps.length === 0
          ? `There are none yet. Next: ${cli.next('app register NAME')}\n`
          : showApps(apps, cli),
      )
    })

  withSettings(command.command('register'))
    .description('Register an application; it is a client, and others may ask for tokens for it')
    .argument('<NAME>')
    .option('--id <GUID>', 'its client id (default: made up)')
    .action(async (name: string, { id, ...settings }: Settings & { id?: string }) => {
      const body = { name, id, ...readSettings(settings) }
      const app = await (await cli.api()).post<AppAnswer>('/apps', body)
      terminal.show(
        app,
        () =>
          `Application ${app.name} registered.\n${showApp(app, cli)}\n` +
          `Next: ${cli.next(`app certificate add ${app.id} FILE.cer`)}\n` +
          `  or: ${cli.next(`app secret add ${app.id}`)}\n`,
      )
    })

  command
    .command('show')
    .description('Show an application, without its secrets')
    .argument('<ID>', 'its id or name')
    .action(async (id: string) => {
      const app = await show(id)
      terminal.show(app, () => showApp(app, cli))
    })

  withSettings(command.command('update'))
    .description('Change an application; app roles that are not named any more go, with their grants')
    .argument('<ID>', 'its id or name')
    .option('--name <NAME>', 'another name')
    .option('--no-assignment-required', 'issue tokens for it to every application of the tenant')
    .action(async (id: string, { name, ...settings }: Settings & { name?: string }) => {
      const body = { ...(name !== undefined && { name }), ...readSettings(settings) }
      if (Object.values(body).every(value => value === undefined))
        throw new WrongUsage(
          'nothing to change: give --name, --id-uri, --token-version, --app-role, --assertion-replay or --[no-]assignment-required',
        )
      const app = await (await cli.api()).patch<AppAnswer>(path`/apps/${id}`, body)
      terminal.show(app, () => `Application ${app.name} changed.\n${showApp(app, cli)}`)
    })

  for (const [name, enabled, description, told] of [
    [
      'disable',
      false,
      'Refuse an application from the next request on, as a client and as a resource',
      'is refused from now on',
    ],
    ['enable', true, 'Let an application in again', 'is let in again'],
  ] as const)
    command
      .command(name)
      .description(description)
      .argument('<ID>', 'its id or name')
      .action(async (id: string) => {
        const app = await (await cli.api()).patch<AppAnswer>(path`/apps/${id}`, { enabled })
        terminal.show(app, () => `Application ${app.name} ${told}.\n`)
      })

  command
    .command('delete')
    .description('Delete an application with its credentials, its roles and all grants of them')
    .argument('<ID>', 'its id or name')
    .action(async (id: string) => {
      await (await cli.api()).delete(path`/apps/${id}`)
      terminal.show({ deleted: id }, () => `Application ${id} deleted.\n`)
    })

  defineCertificates(command.command('certificate'), cli, show)
  defineSecrets(command.command('secret'), cli, show)

  for (const [name, tail, description, told] of [
    ['grant', '', 'Grant it an app role of another application (admin consent)', 'now holds'],
    [
      'revoke',
      '/revocation',
      'Take an app role back; tokens that are out keep it until they expire',
      'no longer holds',
    ],
  ] as const)
    command
      .command(name)
      .description(description)
      .argument('<ID>', 'id or name of the application that calls')
      .requiredOption('--resource <R>', 'the application that is called: its id, App ID URI or name')
      .requiredOption('--role <ROLE>', 'the value of the app role')
      .action(async (id: string, { resource, role }: { resource: string; role: string }) => {
        const api = await cli.api()
        const answer = await api.post<{ app: { name: string }; resource: { name: string }; role: string }>(
          path`/apps/${id}/grants` + tail,
          { resource, role },
        )
        terminal.show(answer, () => `${answer.app.name} ${told} ${answer.role} of ${answer.resource.name}.\n`)
      })
}

function defineCertificates(command: Command, cli: Cli, show: (id: string) => Promise<AppAnswer>): void {
  const { terminal } = cli
  command.description('Certificates whose keys sign assertions; all of them count, each until it ends')

  command
    .command('add')
    .description('Add a certificate, as exported by its owner: without the private key')
    .argument('<ID>', 'id or name of the application')
    .argument('<FILE>', '.cer (DER) or PEM; - for standard input')
    .action(async (id: string, file: string) => {
      const certificate = await readPem(file, cli)
      const added = await (await cli.api()).post<AppCertificateAnswer>(path`/apps/${id}/certificates`, {
        certificate,
      })
      terminal.show(added, () => `Certificate added.\n${showCertificates([added], cli)}`)
    })

  command
    .command('list')
    .description('List the certificates of an application')
    .argument('<ID>', 'id or name of the application')
    .action(async (id: string) => {
      const { certificates } = await show(id)
      terminal.show(certificates, () =>
        certificates.length === 0
          ? `There are none yet. Next: ${cli.next(`app certificate add ${id} FILE.cer`)}\n`
          : showCertificates(certificates, cli),
      )
    })

  command
    .command('remove')
    .description('Remove a certificate; what its key signs is refused from the next request on')
    .argument('<ID>', 'id or name of the application')
    .argument('<THUMBPRINT>', 'SHA-1 or SHA-256 in hex, with or without colons')
    .action(async (id: string, thumbprint: string) => {
      await (await cli.api()).delete(path`/apps/${id}/certificates/${thumbprint}`)
      terminal.show({ removed: thumbprint }, () => `Certificate ${thumbprint} removed.\n`)
    })
}

function defineSecrets(command: Command, cli: Cli, show: (id: string) => Promise<AppAnswer>): void {
  const { terminal } = cli
  command.description('Secrets of an application; all of them count')

  command
    .command('add')
    .description('Make another secret; it is shown once')
    .argument('<ID>', 'id or name of the application')
    .option('--validity <DAYS>', 'it expires after so many days (default: never)')
    .action(async (id: string, { validity }: { validity?: string }) => {
      const body = {
        ...(validity !== undefined && { validityDays: wholeNumber(validity, '--validity') }),
      }
      const made = await (await cli.api()).post<AppSecretAnswer & { clientsecret: string }>(
        path`/apps/${id}/secrets`,
        body,
      )
      terminal.show(made, () => `${showSecrets([made], cli)}\nsecret  ${made.clientsecret}\n`)
      terminal.note('This secret is shown once: nobody can read it again. Keep it safe.')
    })

  command
    .command('list')
    .description('List the secrets of an application by their ids')
    .argument('<ID>', 'id or name of the application')
    .action(async (id: string) => {
      const { secrets } = await show(id)
      terminal.show(secrets, () =>
        secrets.length === 0
          ? `There are none yet. Next: ${cli.next(`app secret add ${id}`)}\n`
          : showSecrets(secrets, cli),
      )
    })

  command
    .command('remove')
    .description('Remove a secret; it is refused from the next request on')
    .argument('<ID>', 'id or name of the application')
    .argument('<SECRET-ID>', 'the id of the secret, as the list shows it')
    .action(async (id: string, secret: string) => {
      await (await cli.api()).delete(path`/apps/${id}/secrets/${secret}`)
      terminal.show({ removed: secret }, () => `Secret ${secret} removed.\n`)
    })
}

function withSettings(command: Command): Command {
  return command
    .option('--id-uri <URI>', 'App ID URI, by which clients name it in a scope: api://... or https://...')
    .option('--token-version <1|2>', 'the version of tokens for it (default: 2)')
    .option(
      '--app-role <ROLE>',
      'VALUE or VALUE=DISPLAY NAME of a role that it offers; may be repeated',
      collect,
    )
    .addOption(
      new Option(
        '--assertion-replay <WHAT>',
        'what becomes of an assertion of its own that was used before: refused, or accepted and reported (default: MSAL sends it again)',
      ).choices(['refused', 'reported']),
    )
    .option('--assignment-required', 'issue tokens for it only to applications that hold one of its roles')
}

function readSettings({ idUri, tokenVersion, assignmentRequired, assertionReplay, appRole }: Settings) {
  if (tokenVersion !== undefined && !/^[12]$/.test(tokenVersion))
    throw new WrongUsage(`--token-version is 1 or 2, not ${tokenVersion}`)
  return {
    idUri,
    requestedAccessTokenVersion: tokenVersion === undefined ? undefined : Number(tokenVersion),
    assignmentRequired,
    assertionReplay,
    appRoles: appRole?.map(text => {
      const at = text.indexOf('=')
      return at < 0 ? { value: text } : { value: text.slice(0, at), displayName: text.slice(at + 1) }
    }),
  }
}
