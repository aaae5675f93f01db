// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the small trees below are source text
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { describe, test } from 'node:test'
import { importsOf, says, tokens } from './support/source.ts'

/** Ring -> the rings it may import, besides itself. */
const rings: Readonly<Record<string, readonly string[]>> = {
  crypto: [],
  guard: ['crypto'],
  client: ['crypto'],
  core: ['crypto', 'guard', 'client'],
  adapters: ['crypto', 'guard', 'client', 'core'],
  app: ['crypto', 'guard', 'client', 'core', 'adapters'],
}

/**
 * Area of the core -> the areas it may import, through their index.ts. An area that is not named imports
 * none. Files directly in src/core belong to no area: each area may import them, they import no area.
 */
const areas: Readonly<Record<string, readonly string[]>> = {
  trust: ['authority'],
  clients: ['trust'],
  tokens: ['clients'],
  broker: ['clients', 'authority', 'tokens', 'trust'],
  registration: ['broker', 'clients'],
  keystore: ['authority', 'broker'],
  material: ['broker', 'keystore'],
  connectivity: ['keystore', 'outbound'],
  outbound: ['keystore', 'material'],
  applications: ['broker', 'clients', 'tokens'],
  admission: ['clients', 'tokens', 'trust'],
  flows: ['admission', 'clients', 'tokens', 'trust'],
  tenants: ['tokens', 'authority'],
  explain: ['admission', 'clients', 'flows', 'tokens'],
  tables: [
    'applications',
    'authority',
    'broker',
    'clients',
    'flows',
    'identity',
    'keystore',
    'material',
    'provisioning',
    'registration',
    'tokens',
    'trust',
  ],
  provisioning: ['authority', 'broker', 'keystore', 'outbound'],
  identity: ['clients', 'explain', 'outbound', 'trust'],
}

const frameworks = ['kysely', 'fastify', 'undici', 'pg', 'better-sqlite3', 'pino']
const http = ['http', 'https']
const system = ['fs', 'http2', 'net', 'tls', 'child_process', 'cluster']

/** Ring -> ways to the world that it may not take, with or without `node:`. The libraries fetch by themselves. */
const world: Readonly<Record<string, readonly string[]>> = {
  crypto: [...frameworks, ...system, ...http],
  guard: [...frameworks, ...system],
  core: [...frameworks, ...system, ...http],
}

/** Words that read something ambient -> the only rings that may say them. */
const ambient: readonly { phrase: string; rings: readonly string[] }[] = [
  ...['process . env', 'process [', 'process ?. env'].map(phrase => ({ phrase, rings: ['app'] })),
  ...['Date . now', 'Date ( )', 'performance . now', 'process . hrtime'].map(outsideCore),
  ...['Math . random', 'crypto . randomUUID', 'crypto . getRandomValues', 'crypto . randomBytes'].map(
    outsideCore,
  ),
]

/** What node:crypto gives at random without being asked for a source; in the core it comes as a parameter. */
const randomNames = [
  ...['*', 'default', 'webcrypto', 'getRandomValues'],
  ...['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'],
]

function outsideCore(phrase: string): { phrase: string; rings: readonly string[] } {
  return { phrase, rings: ['guard', 'client', 'adapters', 'app'] }
}

type Tree = Readonly<Record<string, string>>
type Place = { path: string; ring: string; part: string | undefined }

const placeOf = (path: string): Place => {
  const [, ring = '', ...rest] = path.split('/')
  return { path, ring, part: rest.length > 1 ? rest[0] : undefined }
}

/** Why a file may not import another one of ours; undefined if it may. */
const refusal = (from: Place, to: Place): string | undefined => {
  if (from.ring !== to.ring) {
    return rings[from.ring]?.includes(to.ring) ? undefined : `${from.ring} may not import ${to.ring}`
  }
  if (from.part === to.part) return undefined
  if (from.ring === 'adapters') return 'an adapter may not import its sibling'
  if (from.ring !== 'core' || to.part === undefined) return undefined
  if (from.part === undefined) return 'files directly in src/core may not import an area'
  if (!areas[from.part]?.includes(to.part)) return `area ${from.part} may not import area ${to.part}`
  if (to.path !== `src/core/${to.part}/index.ts`)
    return `area ${to.part} may only be imported by its index.ts`
  return undefined
}

const packageName = (specifier: string): string => specifier.replace(/^node:/, '').split('/')[0] ?? ''

const refusalOfPackage = (
  { ring }: Place,
  specifier: string,
  names: readonly string[],
): string | undefined => {
  const name = packageName(specifier)
  if (name === 'countersign' || /^[#/]|^(?:file|data):/.test(specifier))
    return 'ours is imported by relative path'
  if (world[ring]?.includes(name)) return `${ring} may not reach the world`
  if (name === 'process' && ring !== 'app') return 'only app reads the environment'
  if (name === 'crypto' && ['crypto', 'core'].includes(ring)) {
    const random = names.find(imported => randomNames.includes(imported))
    if (random !== undefined) return `randomness comes as a parameter (${random})`
  }
  return undefined
}

/** All that is wrong in a tree of sources (path from the project root -> text), as lines for people. */
const violations = (tree: Tree): string[] => {
  const problems: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, source] of Object.entries(tree)) {
    const from = placeOf(path)
    const code = tokens(source)
    const targets: string[] = []
    graph.set(path, targets)
    if (rings[from.ring] === undefined) problems.push(`${path}: is in no ring`)
    if (from.ring === 'adapters' && from.part === undefined)
      problems.push(`${path}: is in no technology's folder`)
    for (const { phrase, rings: allowed } of ambient) {
      if (says(code, phrase) && !allowed.includes(from.ring)) problems.push(`${path}: says ${phrase}`)
    }
    for (const { specifier, names } of importsOf(code)) {
      if (specifier === undefined) {
        if (from.ring !== 'app') problems.push(`${path}: imports what cannot be read beforehand`)
        continue
      }
      const target = join(dirname(path), specifier)
      const isOurs = /^\.\.?(?:\/|$)/.test(specifier)
      const why = !isOurs
        ? refusalOfPackage(from, specifier, names)
        : tree[target] === undefined
          ? 'there is no such source file'
          : refusal(from, placeOf(target))
      if (isOurs && tree[target] !== undefined) targets.push(target)
      if (why !== undefined) problems.push(`${path}: imports ${specifier}: ${why}`)
    }
  }
  return [...problems, ...cycles(graph)]
}

/** One line per cycle that a walk through all files runs into; type imports count as any other. */
const cycles = (graph: ReadonlyMap<string, readonly string[]>): string[] => {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`)
    if (done.has(path) || trail.includes(path)) return
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return found
}

const root = join(import.meta.dirname, '..')

const sourceTree = (): Tree => {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map(path => `src/${path}`)
    .filter(path => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  return Object.fromEntries(paths.map(path => [path, readFileSync(join(root, path), 'utf8')]))
}

describe('the source tree', () => {
  test('keeps the import table, has no cycle, and reads nothing ambient', () => {
    const tree = sourceTree()
    assert.notEqual(Object.keys(tree).length, 0)
    assert.deepEqual(violations(tree), [])
  })
})

const importing = (specifier: string): string => `import { x } from '${specifier}'\n`

describe('what is allowed is not reported', () => {
  const allowed: Readonly<Record<string, Tree>> = {
    'arrows that point inward': {
      'src/crypto/jwt.ts': "import { sign, generateKeyPairSync } from 'node:crypto'\n",
      'src/guard/verify.ts': importing('../crypto/jwt.ts'),
      'src/client/token.ts': "import { request } from 'node:https'\nimport '../crypto/jwt.ts'\nDate.now()",
      'src/core/problem.ts': importing('../guard/verify.ts'),
      'src/core/clients/index.ts': importing('../problem.ts'),
      'src/core/tokens/issue.ts': `${importing('../clients/index.ts')}${importing('./claims.ts')}`,
      'src/core/tokens/claims.ts': importing('../../crypto/jwt.ts'),
      'src/adapters/http/oauth.ts': `${importing('../../core/tokens/issue.ts')}${importing('fastify')}`,
      'src/app/compose.ts': `${importing('../adapters/http/oauth.ts')}import(name)\nprocess.env.HOME`,
    },
    'words in comments, texts and regular expressions': {
      'src/core/a.ts': [
        "// import { x } from './gone.ts'",
        "/* process.env */ const a = \"from 'node:fs'\", b = `Date.now() ${a} import('./gone.ts')`",
        "const c = /'Date.now()/.test(a) ? a / 2 : b / 3 // '",
        'const d = (time: number) => new Date(time)',
        'const e = { import: a, from: b }, f = e.import',
        "export type G = 'x'\nexport type H = typeof import.meta\nexport { a }\nconst from = 'x'",
        'const g = `a ${`${{ b: "}" }.b}`} Math.random()`',
      ].join('\n'),
    },
    'randomness that comes as a parameter': {
      'src/core/a.ts':
        'export const id = (context: { randomBytes(n: number): Buffer }) => context.randomBytes(16)',
    },
  }
  for (const [title, tree] of Object.entries(allowed)) {
    test(title, () => assert.deepEqual(violations(tree), []))
  }
})

/** Files to import, each right where it lies. */
const neighbours: Tree = Object.fromEntries(
  [
    ...['crypto/b.ts', 'guard/b.ts', 'client/b.ts', 'core/b.ts', 'app/b.ts', 'adapters/http/b.ts'],
    ...['adapters/store/b.ts', 'core/clients/index.ts', 'core/clients/b.ts', 'core/tokens/index.ts'],
  ].map(path => [`src/${path}`, 'export const x = 1\n']),
)

describe('what is forbidden is reported', () => {
  const forbidden: readonly (readonly [title: string, report: string, path: string, source: string])[] = [
    ['crypto -> guard', 'crypto may not import guard', 'crypto/a.ts', importing('../guard/b.ts')],
    ['guard -> client', 'guard may not import client', 'guard/a.ts', importing('../client/b.ts')],
    ['client -> core', 'client may not import core', 'client/a.ts', importing('../core/b.ts')],
    ['core -> adapters', 'core may not import adapters', 'core/a.ts', importing('../adapters/http/b.ts')],
    ['adapters -> app', 'adapters may not import app', 'adapters/http/a.ts', importing('../../app/b.ts')],
    ['an adapter -> its sibling', 'sibling', 'adapters/http/a.ts', importing('../store/b.ts')],
    ['a file beside the adapters', "no technology's folder", 'adapters/a.ts', ''],
    ['a folder that is no ring', 'is in no ring', 'utils/a.ts', ''],
    ['a file beside the rings', 'is in no ring', 'index.ts', ''],
    [
      'clients -> tokens',
      'clients may not import area tokens',
      'core/clients/a.ts',
      importing('../tokens/index.ts'),
    ],
    [
      'an unnamed area -> clients',
      'news may not import area clients',
      'core/news/a.ts',
      importing('../clients/index.ts'),
    ],
    [
      "past an area's index.ts",
      'only be imported by its index.ts',
      'core/tokens/a.ts',
      importing('../clients/b.ts'),
    ],
    ['a file in src/core -> an area', 'may not import an area', 'core/a.ts', importing('./clients/index.ts')],
    ['a missing file', 'no such source file', 'core/a.ts', importing('./gone.ts')],
    ['a file outside src', 'no such source file', 'core/a.ts', importing('../../test/support/a.ts')],
    ['our own package name', 'relative path', 'core/a.ts', importing('countersign/guard')],
    ['SQL in the core', 'may not reach the world', 'core/a.ts', importing('kysely')],
    [
      'a type of a web framework',
      'may not reach the world',
      'guard/a.ts',
      "import type { Request } from 'fastify'",
    ],
    ['files in crypto', 'may not reach the world', 'crypto/a.ts', importing('node:fs/promises')],
    ['the network without node:', 'may not reach the world', 'core/a.ts', importing('https')],
    ['a re-export', 'may not reach the world', 'core/a.ts', "export * as files from 'node:fs'"],
    ['a re-export by name', 'may not reach the world', 'core/a.ts', 'export { type Pool } from "pg"'],
    ['an import for its effect', 'may not reach the world', 'core/a.ts', "import 'node:tls'"],
    ['a type import in the middle', 'may not reach the world', 'core/a.ts', "let a: import('undici').Agent"],
    ['an import inside a template', 'may not reach the world', 'core/a.ts', "`${await import('undici')}`"],
    ['require', 'may not reach the world', 'core/a.ts', "const { readFileSync } = require('fs')"],
    ['a computed import', 'cannot be read', 'core/a.ts', 'await import(name)'],
    ['the environment in an adapter', 'process . env', 'adapters/http/a.ts', 'const home = process.env.HOME'],
    ['the environment, imported', 'only app reads', 'client/a.ts', "import { env } from 'node:process'"],
    ['the clock in the core', 'Date . now', 'core/a.ts', 'const now = Date.now()'],
    ['the clock as a default', 'Date . now', 'crypto/a.ts', 'const f = (now = Date.now) => now()'],
    ['the date of today', 'Date ( )', 'core/a.ts', 'const now = new Date()'],
    ['chance in a template', 'Math . random', 'core/a.ts', 'const id = `${`x${Math.random()}`}`'],
    [
      'random bytes',
      '(randomBytes)',
      'core/a.ts',
      "import { sign, randomBytes as bytes } from 'node:crypto'",
    ],
    ['all of node:crypto', '(*)', 'crypto/a.ts', "import * as nodeCrypto from 'node:crypto'"],
    ['the default of node:crypto', '(default)', 'crypto/a.ts', "import nodeCrypto, { sign } from 'crypto'"],
    ['the global crypto', 'crypto . randomUUID', 'core/a.ts', 'crypto.randomUUID()'],
    ['a file that imports itself', 'cycle: src/core/a.ts -> src/core/a.ts', 'core/a.ts', importing('./a.ts')],
  ]
  for (const [title, report, path, source] of forbidden) {
    test(title, () => {
      const reported = violations({ ...neighbours, [`src/${path}`]: source })
      assert.equal(reported.length, 1, reported.join('\n'))
      assert.ok(reported[0]?.includes(report), reported[0])
    })
  }

  test('a cycle, of types as well', () => {
    const tree = {
      'src/core/a.ts': importing('./b.ts'),
      'src/core/b.ts': "import type { C } from './c.ts'",
      'src/core/c.ts': "export type { B } from './b.ts'",
    }
    assert.deepEqual(violations(tree), ['cycle: src/core/b.ts -> src/core/c.ts -> src/core/b.ts'])
  })
})
