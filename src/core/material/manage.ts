import { limitReached } from '../broker/index.ts'
import { type Context, newId } from '../context.ts'
import type { KeystoreTable } from '../keystore/index.ts'
import { nearestName } from '../nearest.ts'
import { Problem } from '../problem.ts'
import { printable, refusal } from '../schema.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { inspectMaterial, type MaterialInfo, openMaterial, sealContent } from './content.ts'
import type { MaterialTable, StoredMaterial } from './store.ts'
import { materialTypes, typeNamed } from './types/index.ts'

export interface MaterialManagement {
  readonly store: Transactions<{ material: MaterialTable; keystore: KeystoreTable }>
  readonly vault: Vault
  readonly context: Context
}

type Reading = Pick<MaterialManagement, 'store' | 'vault'>

export const mostMaterial = 1000

/** Security material as it is asked for. */
export interface NewMaterial {
  readonly name: string
  /** One of `materialTypes`. */
  readonly type: string
  /** As the schema of the type says. */
  readonly content: unknown
  /** Put it in the place of the one of that name: all of it, for what is secret is not given back to be kept. */
  readonly replace?: boolean | undefined
}

/** Keeps credentials sealed; whoever calls others with them finds them by their name from the next request on. */
export async function createMaterial(
  tenant: Tenant,
  { name, type, content, replace = false }: NewMaterial,
  { store, vault, context }: MaterialManagement,
): Promise<MaterialInfo | Problem> {
  const wrong = checkName(name)
  if (wrong) return wrong
  const read = readContent(type, content)
  if (read instanceof Problem) return read
  const { keystoreAlias, ...kept } = read
  return store.write(async ({ material, keystore }) => {
    const current = await material.find(tenant.id, name)
    const refused = current
      ? checkReplaced(current, type, replace)
      : ((await checkNew(tenant, name, replace, material)) ?? (await shadowed(tenant, name, keystore)))
    if (refused) return refused
    const entry = keystoreAlias === undefined ? undefined : await keystore.find(tenant.id, keystoreAlias)
    if (keystoreAlias !== undefined && !entry?.sealedKey) return noKeyPair(keystoreAlias, entry !== undefined)
    const owner = { id: current?.id ?? newId(context), tenantId: tenant.id }
    const now = context.now()
    const made: StoredMaterial = {
      ...owner,
      name: current?.name ?? name,
      type,
      sealed: sealContent(kept, owner, vault),
      keystoreEntryId: entry?.id,
      createdAt: current?.createdAt ?? now,
      updatedAt: now,
    }
    await (current ? material.update(made) : material.insert(made))
    return inspectMaterial(openMaterial({ ...made, keystoreAlias: entry?.alias }, vault))
  })
}

export async function listMaterial(tenant: Tenant, { store, vault }: Reading): Promise<MaterialInfo[]> {
  return (await store.read.material.list(tenant.id)).map(found => inspectMaterial(openMaterial(found, vault)))
}

export async function deleteMaterial(
  tenant: Tenant,
  name: string,
  { store }: Pick<MaterialManagement, 'store'>,
): Promise<StoredMaterial | Problem> {
  return store.write(async ({ material }) => {
    const found = await material.find(tenant.id, name)
    if (!found) return noMaterial(name)
    await material.delete(found)
    return found
  })
}

export const noMaterial = (name: string): Problem =>
  new Problem('not_found', `there is no security material ${name}`, {
    hint: 'See `countersign material list`.',
  })

/** As flows name it; it stands in addresses of the admin API, where a slash would begin another part. */
function checkName(name: string): Problem | undefined {
  const fits = /^[^\p{C}/\\]{1,150}$/u.test(name) && name.trim() === name && name !== '.' && name !== '..'
  return fits
    ? undefined
    : new Problem(
        'invalid_input',
        'the name of security material has 1 to 150 printable characters, none of them / or \\, and no white space at either end',
      )
}

function readContent(name: string, content: unknown): Content | Problem {
  const type = typeNamed(name)
  const names = materialTypes.map(each => each.name)
  if (!type) {
    const near = nearestName(name, names)
    return new Problem('invalid_input', `there is no type ${printable(name)} of security material`, {
      hint: near ? `Did you mean ${near}?` : `The types are ${names.join(', ')}.`,
    })
  }
  const read = type.schema.safeParse(content)
  return read.success
    ? (read.data as Content)
    : refusal(read.error, `the content of ${name}`, 'Correct the file as said and try again.')
}

type Content = { readonly keystoreAlias?: string | undefined }

function checkReplaced(current: StoredMaterial, type: string, replace: boolean): Problem | undefined {
  if (!replace)
    return new Problem('conflict', `there is security material ${current.name} already`, {
      hint: 'Choose another name (case does not count), or put this in its place with `--replace`.',
    })
  return current.type === type
    ? undefined
    : new Problem('conflict', `security material ${current.name} is of type ${current.type}, not ${type}`)
}

async function checkNew(
  tenant: Tenant,
  name: string,
  replace: boolean,
  material: MaterialTable,
): Promise<Problem | undefined> {
  if (replace) return noMaterial(name)
  return (await material.count(tenant.id)) >= mostMaterial
    ? limitReached('security material of a tenant', mostMaterial)
    : undefined
}

/** Flows name material and key pairs in one way: what a name means must not change by itself. */
async function shadowed({ id }: Tenant, name: string, keystore: KeystoreTable): Promise<Problem | undefined> {
  const entry = await keystore.find(id, name)
  return entry?.sealedKey
    ? new Problem('conflict', `${entry.alias} is a key pair of the keystore, which flows may call with`, {
        hint: 'Choose another name.',
      })
    : undefined
}

function noKeyPair(alias: string, known: boolean): Problem {
  const reason = known ? `keystore entry ${alias} has no private key` : `the keystore has no entry ${alias}`
  return new Problem('invalid_input', `keystoreAlias: ${reason}`, {
    hint: 'See `countersign keystore list`.',
  })
}
