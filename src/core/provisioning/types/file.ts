import { SystemFailure } from '../failure.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import {
  type EntityType,
  isObject,
  type JsonObject,
  scimReadTransformation,
  scimWriteTransformation,
} from '../transformation/index.ts'
import { readCsv } from './file-csv.ts'
import type { PropertySpec } from './property.ts'
import type { Connector, ConnectorDependencies, ReadEnd, SystemType } from './type.ts'

/** In the folder itself: no way leads out of it. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(csv|json)$/i

const nameOfFile = (value: string): string | undefined =>
  fileName.test(value)
    ? undefined
    : 'write the name of a .csv or .json file, of letters, digits and . _ - only: it is in the folder for such files'

const oneCharacter = (value: string): string | undefined =>
  [...value].length === 1 && !/["\r\n]/.test(value) ? undefined : 'write one character'

const properties: readonly PropertySpec[] = [
  { name: 'file.users', description: 'File with the users, in the folder for such files', wrong: nameOfFile },
  { name: 'file.groups', description: 'File with the groups', wrong: nameOfFile },
  { name: 'file.csv.delimiter', description: 'Between the columns; default ,', wrong: oneCharacter },
  {
    name: 'file.csv.list.separator',
    description: 'Between several values in one column; default ;',
    wrong: oneCharacter,
  },
]

/** Users and groups in files: CSV whose first line names the attributes, or JSON as SCIM has it. */
export const file: SystemType = {
  name: 'file',
  title: 'CSV or JSON file',
  roles: ['source'],
  properties,
  readTransformation: scimReadTransformation,
  writeTransformation: scimWriteTransformation,
  missing: given =>
    given['file.users'] === undefined && given['file.groups'] === undefined ? ['file.users'] : [],
  connect: connectFile,
}

const pageSize = 200

function connectFile(system: OpenedSystem, { files }: ConnectorDependencies): Connector {
  const { name, properties: given, tenantName } = system

  async function load(type: EntityType): Promise<readonly JsonObject[]> {
    const property = `file.${type}s`
    const fileOf = given[property]
    if (fileOf === undefined) return []
    const bytes = await files.read(tenantName, fileOf)
    const entities = fileOf.toLowerCase().endsWith('.csv')
      ? await readCsv(bytes, fileOf, given)
      : readJson(bytes, fileOf)
    return entities.map(entity => withId(entity, type))
  }

  return {
    entityTypes: [
      ...(given['file.users'] === undefined ? [] : (['user'] as const)),
      ...(given['file.groups'] === undefined ? [] : (['group'] as const)),
    ],
    async check() {
      const counts = [`${(await load('user')).length} users`, `${(await load('group')).length} groups`]
      return `${files.folder(tenantName)} has ${counts.join(' and ')}`
    },
    async *read(type): AsyncGenerator<readonly JsonObject[], ReadEnd> {
      const all = await load(type)
      const seen = new Set<unknown>()
      for (const { id } of all) {
        if (seen.has(id))
          throw new SystemFailure(
            `${name}: ${given[`file.${type}s`]} has two entities of id ${JSON.stringify(id)}`,
          )
        seen.add(id)
      }
      for (let at = 0; at < all.length; at += pageSize) yield all.slice(at, at + pageSize)
      return { doubt: undefined, asOf: undefined }
    },
    close() {},
  }
}

function readJson(bytes: Buffer, name: string): readonly JsonObject[] {
  const wrong = (says: string) => new SystemFailure(`${name}: ${says}`, { fatal: true })
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw wrong(`is not JSON in UTF-8: ${(error as Error).message}`)
  }
  const list = isObject(value) ? value.Resources : value
  if (!Array.isArray(list)) throw wrong('is neither a list of entities nor an object with a list Resources')
  const at = list.findIndex(item => !isObject(item))
  if (at >= 0) throw wrong(`item ${at} is not an object`)
  return list as JsonObject[]
}

/** An entity of a file without ids is told from others by its name. */
function withId(entity: JsonObject, type: EntityType): JsonObject {
  if (entity.id !== undefined && entity.id !== null && entity.id !== '')
    return typeof entity.id === 'string' ? entity : { ...entity, id: String(entity.id) }
  const name = type === 'user' ? entity.userName : entity.displayName
  return name === undefined ? entity : { ...entity, id: String(name) }
}
