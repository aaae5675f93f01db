// src/**/*.ts -> dist/**/*.js, only when something changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { modules, projectNode, projectPath, root } from './node.mjs'

const src = join(root, 'src')
const dist = join(root, 'dist')
const stamp = join(dist, '.built-from')
const compiler = join(modules, 'typescript')

const filesBelow = folder =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
        entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
      )
    : []

const sources = () => filesBelow(src).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
const output = source => join(dist, source.slice(src.length + 1)).replace(/\.ts$/, '.js')

/** What dist depends on. Sources by name, size and time of change: that also shows which went away. */
const signature = files => {
  const hash = createHash('sha256')
  for (const file of [
    join(root, 'tsconfig.json'),
    join(root, 'tsconfig.build.json'),
    join(compiler, 'package.json'),
  ]) {
    hash.update(readFileSync(file))
  }
  for (const file of files) {
    const { size, mtimeMs } = statSync(file)
    hash.update(`${file.slice(root.length)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

const isComplete = files => files.every(file => existsSync(output(file)))

export const isBuilt = () => {
  const files = sources()
  if (files.length === 0) return true
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === signature(files) && isComplete(files)
}

/** Compiles; returns undefined, or one line that says what to do (the compiler's own words went to stderr). */
export const build = () => {
  const files = sources()
  const before = signature(files)
  mkdirSync(dist, { recursive: true })
  // The compiler's memory speaks of files that it wrote; where some are gone it would not write them again.
  if (!isComplete(files)) rmSync(join(dist, '.tsbuildinfo'), { force: true })
  const { status } = spawnSync(projectNode(), [join(compiler, 'bin', 'tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    env: { ...process.env, PATH: projectPath() },
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) return 'The build failed: correct what is reported above, then run npm run setup again.'
  removeOrphans(new Set(files.map(output)))
  writeFileSync(stamp, before)
}

/** A module whose source was deleted must not live on in dist. */
const removeOrphans = outputs => {
  for (const file of filesBelow(dist)) {
    if (/\.(d\.ts|js)$/.test(file) && !outputs.has(file.replace(/\.d\.ts$/, '.js'))) rmSync(file)
  }
}
