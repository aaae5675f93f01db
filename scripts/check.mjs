// What must hold besides the tests. All of it runs, whatever fails.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { modules, projectNode, projectPath, root } from './node.mjs'

const checks = [
  { name: 'types', args: [join(modules, 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'] },
  {
    name: 'lint and format',
    args: [join(modules, '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.'],
  },
  { name: 'architecture', args: ['--test', 'test/architecture.test.ts'] },
]

const holds = ({ name, args }) => {
  const start = performance.now()
  const env = { ...process.env, PATH: projectPath() }
  const { status, stdout, stderr } = spawnSync(projectNode(), args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (status !== 0) process.stdout.write(`${stdout ?? ''}${stderr ?? ''}`)
  console.log(`${name.padEnd(16)} ${status === 0 ? 'ok' : 'FAILED'}  ${seconds} s`)
  return status === 0
}

process.exitCode = checks.map(holds).every(ok => ok) ? 0 : 1
