import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { parse } from 'yaml'
import type { Answer } from '../../support/server.ts'
import { beyondDocument, ownMembers, refusalsOfText } from './specification-text.ts'

/** The part of OpenAPI 3.0 that is read here; the rest of the document is schemas. */
interface OpenApi {
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Tree }>>>>
  readonly components: { readonly schemas: Tree }
}
type Tree = Readonly<Record<string, unknown>>

/** As published; see the README beside it. */
export const published: OpenApi = parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/osb/openapi.yaml'), 'utf8'),
)

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is asked beyond a document is added to it. It replaces nothing: so nothing is weakened. */
export function withMore(document: Tree, more: Tree): Tree {
  const result: Record<string, unknown> = { ...document }
  for (const [name, added] of Object.entries(more)) {
    const there = result[name]
    if (there === undefined) result[name] = added
    else if (isTree(there) && isTree(added)) result[name] = withMore(there, added)
    else if (name === 'required' && Array.isArray(there) && Array.isArray(added))
      result[name] = [...there, ...added]
    else assert.deepEqual(added, there, `${name} stands in the document already, and says something else`)
  }
  return result
}

/** Without members that nobody described. Elsewhere they are allowed; in our answers they are slips of the pen. */
function closed(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(closed)
  if (!isTree(tree)) return tree
  const entries = Object.entries(tree).map(([name, value]) => [name, closed(value)] as const)
  const isObjectSchema = tree.type === 'object' && isTree(tree.properties)
  return { ...Object.fromEntries(entries), ...(isObjectSchema && { additionalProperties: false }) }
}

/**
 * OpenAPI 3.0 and JSON Schema agree on the words that this document uses: it says nothing of null, so that null is
 * refused, and nothing of additional members, so that they are allowed. Strict: Ajv stops at a word that it does not
 * know.
 */
function judgeOf(document: object): (pointer: string) => ValidateFunction {
  const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true })
  // Around the schemas stand the words of OpenAPI.
  ajv.addVocabulary(Object.keys(document)).addSchema(document, 'osb')
  return pointer => ajv.getSchema(`osb#${pointer}`) ?? assert.fail(`no schema at ${pointer}`)
}

const judges = {
  'the published document': judgeOf(published),
  'the text of the specification': judgeOf(
    closed(withMore(withMore(published as unknown as Tree, beyondDocument), ownMembers)) as object,
  ),
}

const escaped = (name: string): string => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))

/** The path of the document that a path means. */
function templateOf(path: string): string | undefined {
  const [bare] = path.split('?')
  return Object.keys(published.paths).find(template =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare!),
  )
}

/** Where the schema of an answer is; undefined: nobody has such an answer. */
function schemaFor(method: string, path: string, status: number): string | undefined {
  const template = templateOf(path)
  const operation = template === undefined ? undefined : published.paths[template]![method.toLowerCase()]
  if (template !== undefined && operation?.responses[status])
    return `/paths/${escaped(template)}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`
  const known = operation ? 'operation' : template === undefined ? 'nothing' : 'address'
  return refusalsOfText[status]?.({ known, method }) ? '/components/schemas/Error' : undefined
}

/**
 * Fails unless the answer is one that the published document has for the operation (its status, its media type, its
 * schema), and one that the text of the specification allows. `path` is below `/osb`.
 */
export function assertPublished(
  method: string,
  path: string,
  answer: Pick<Answer, 'status' | 'headers' | 'text'>,
): void {
  const { status, headers, text } = answer
  const pointer = schemaFor(method, path, status)
  assert.ok(pointer !== undefined, `${method} ${path} has no answer ${status}: ${text}`)
  assert.match(String(headers['content-type']), /^application\/json(;|$)/)
  const body: unknown = JSON.parse(text)
  for (const [name, judge] of Object.entries(judges)) {
    const fits = judge(pointer)
    assert.ok(fits(body), `${method} ${path} ${status}, by ${name}: ${JSON.stringify(fits.errors)}`)
  }
}
