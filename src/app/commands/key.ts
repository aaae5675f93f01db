import { join } from 'node:path'
import { quote } from '../terminal/quote.ts'
import { type AdminApi, path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { Refused } from './support/errors.ts'
import { type KeyAnswer, keyDetails, keyTable, warnOfKeys } from './support/key-answer.ts'
import { type KeyDocument, keyFileName, keyFiles, makePlace, writeKeyFiles } from './support/key-files.ts'
import {
  type CredentialOptions,
  readCredentialOptions,
  wholeNumber,
  withCredentialOptions,
} from './support/key-request.ts'

type CreateOptions = CredentialOptions & { readonly type?: string }
type RotateOptions = CredentialOptions & { readonly overlap?: string }

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the service keys of an instance; warns of those that end soon')
    .argument('<INSTANCE>')
    .action(async (instance: string) => {
      const api = await cli.api()
      const { keys } = await api.get<{ keys: KeyAnswer[] }>(path`/instances/${instance}/keys`)
      terminal.show(keys, () =>
        keys.length === 0
          ? `There are none yet. Next: ${cli.next(`key create ${instance} NAME --out DIR`)}\n`
          : keyTable(keys, cli),
      )
      warnOfKeys(instance, keys, cli)
    })

  withCredentialOptions(command.command('create'))
    .description('Create a service key; its credential is shown once')
    .argument('<INSTANCE>')
    .argument('<NAME>', 'up to 32 characters out of A-Z a-z 0-9 . _ -')
    .option('--type <TYPE>', 'secret (default), certificate, certificate_external or jwks')
    .action((instance: string, name: string, options: CreateOptions) => create(instance, name, options, cli))

  command
    .command('show')
    .description('Show a service key with its certificates, without what is secret')
    .argument('<INSTANCE>')
    .argument('<NAME>')
    .action(async (instance: string, name: string) => {
      const api = await cli.api()
      const key = await api.get<KeyAnswer>(path`/instances/${instance}/keys/${name}`)
      terminal.show(key, () => keyDetails(key, cli))
      warnOfKeys(instance, [key], cli)
    })

  withCredentialOptions(command.command('rotate'))
    .description('Make a successor of a credential; the old one is accepted beside it for a while')
    .argument('<INSTANCE>')
    .argument('<NAME>')
    .option('--overlap <DAYS>', 'for how long (default: as the instance says, 7)')
    .action((instance: string, name: string, options: RotateOptions) => rotate(instance, name, options, cli))

  command
    .command('delete')
    .description('Delete a service key; it and its tokens are refused from the next request on')
    .argument('<INSTANCE>')
    .argument('<NAME>')
    .action(async (instance: string, name: string) => {
      const api = await cli.api()
      await api.delete(path`/instances/${instance}/keys/${name}`)
      terminal.show(
        { deleted: name, instance },
        () => `Key ${name} of instance ${instance} deleted; it and its tokens are refused from now on.\n`,
      )
    })
}

async function create(instance: string, name: string, options: CreateOptions, cli: Cli): Promise<void> {
  const given = await readCredentialOptions(options, cli)
  const type = options.type ?? impliedType(given)
  const parameters = { ...given, ...(type !== undefined && { 'key-type': type }) }
  const keys = path`/instances/${instance}/keys`
  await makeCredential(
    {
      done: `Key ${name} of instance ${instance} created`,
      name,
      make: api => api.post(keys, { name, parameters }),
      async undo(api) {
        await api.delete(`${keys}${path`/${name}`}`)
        return 'The key was deleted again.'
      },
    },
    options,
    cli,
  )
}

/** A certificate, a signing request or a key set tells the type. */
function impliedType(given: Readonly<Record<string, unknown>>): string | undefined {
  if (given['key-type'] !== undefined || given['credential-type'] !== undefined) return undefined
  if (given['X.509'] !== undefined) return 'certificate_external'
  if (given.jwks !== undefined || given.jwks_uri !== undefined) return 'jwks'
  return given.csr === undefined ? undefined : 'certificate'
}

async function rotate(instance: string, name: string, options: RotateOptions, cli: Cli): Promise<void> {
  const parameters = await readCredentialOptions(options, cli)
  const { overlap } = options
  const overlapDays = overlap === undefined ? undefined : wholeNumber(overlap, '--overlap')
  await makeCredential(
    {
      done: `Key ${name} of instance ${instance} has a successor`,
      name,
      make: api => api.post(path`/instances/${instance}/keys/${name}/rotation`, { overlapDays, parameters }),
      async undo(api, { certificatedetails }) {
        const { serialnumber } = (certificatedetails ?? {}) as { serialnumber?: string }
        if (serialnumber !== undefined) await api.post(path`/certificates/${serialnumber}/revocation`, {})
        return 'The successor is lost; the credential before it is still accepted for the overlap: rotate again.'
      },
    },
    options,
    cli,
  )
}

interface Making {
  /** What to tell people. */
  readonly done: string
  readonly name: string
  make(api: AdminApi): Promise<KeyDocument & { readonly warnings?: readonly string[] }>
  /** When the document cannot be written down; resolves with what to tell. */
  undo(api: AdminApi, document: KeyDocument): Promise<string>
}

async function makeCredential(making: Making, { out, shape }: CredentialOptions, cli: Cli): Promise<void> {
  const { terminal, random } = cli
  if (out !== undefined) makePlace(out)
  const api = await cli.api()
  const { warnings = [], ...document } = await making.make(api)
  const shaped = shape === 'cf' ? { oauth: document } : document
  const written = out === undefined ? [] : await writeOrUndo(out, document as KeyDocument)
  for (const warning of warnings) terminal.warn(warning)
  terminal.show(shaped, () =>
    out === undefined
      ? `${JSON.stringify(shaped, null, 2)}\n`
      : `${making.done}: ${[join(out, keyFileName), ...written.slice(1)].join(', ')}\n` +
        `Next: ${nextOf(join(out, keyFileName), document as KeyDocument)}\n`,
  )
  if (out === undefined && holdsSecret(document as KeyDocument))
    terminal.note('This key is shown once: nobody can read its secret again. Keep it safe.')

  async function writeOrUndo(directory: string, made: KeyDocument): Promise<string[]> {
    try {
      const files = keyFiles(made, { name: making.name, shaped, random })
      writeKeyFiles(directory, files)
      return files.map(file => file.name)
    } catch (error) {
      const hint = await making.undo(api, made)
      throw new Refused(`cannot write to ${directory}: ${(error as Error).message}`, { hint })
    }
  }
}

const holdsSecret = ({ clientsecret, key }: KeyDocument) => clientsecret !== undefined || key !== undefined

/** What the sender can try next. */
function nextOf(file: string, document: KeyDocument): string {
  if ('jwks' in document || 'jwks_uri' in document)
    return `the sender signs assertions (RFC 7523) for client id ${document.clientid}, and sends them to ${document.tokenurl}`
  const own = holdsSecret(document) ? '' : ' --private-key YOUR-KEY.pem'
  return `countersign token --key ${quote(file)}${own}`
}
