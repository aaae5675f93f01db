// Programs of the operating system that tests and benchmarks use, and how to get them.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Debian puts servers into a folder that only root has in its PATH. */
const folders = () => [...(process.env.PATH ?? '').split(':'), '/usr/sbin'].filter(folder => folder !== '')

const inPath = name =>
  folders()
    .map(folder => join(folder, name))
    .find(file => existsSync(file))

/**
 * The folder with initdb, pg_ctl and postgres, or undefined. Debian keeps them out of PATH, one folder per
 * version; the newest wins.
 */
export const postgresFolder = () => {
  const linked = inPath('initdb')
  const candidates = linked === undefined ? [] : [dirname(realpathSync(linked))]
  const debian = '/usr/lib/postgresql'
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a))
    candidates.push(...versions.map(version => join(debian, version, 'bin')))
  }
  return candidates.find(folder =>
    ['initdb', 'pg_ctl', 'postgres'].every(name => existsSync(join(folder, name))),
  )
}

/** What a purpose needs: the Debian package and how to see that it is there. */
const tools = {
  test: [
    { name: 'PostgreSQL', debianPackage: 'postgresql', found: postgresFolder },
    { name: 'openssl', debianPackage: 'openssl', found: () => inPath('openssl') },
    { name: 'curl', debianPackage: 'curl', found: () => inPath('curl') },
    { name: 'nginx', debianPackage: 'nginx', found: () => inPath('nginx') },
    { name: 'HAProxy', debianPackage: 'haproxy', found: () => inPath('haproxy') },
  ],
  bench: [
    { name: 'wrk', debianPackage: 'wrk', found: () => inPath('wrk') },
    { name: 'taskset', debianPackage: 'util-linux', found: () => inPath('taskset') },
  ],
}

/** The tools of these purposes (`test`, `bench`) that are not on this computer. */
export const missingTools = purposes =>
  purposes.flatMap(purpose => tools[purpose]).filter(tool => tool.found() === undefined)

/** Installs Debian packages; returns undefined, or one line that says what the user has to do. */
export const installTools = missing => {
  const packages = missing.map(tool => tool.debianPackage)
  const advice = `install it (on Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}), then run this again.`
  const names = missing.map(tool => tool.name).join(', ')
  if (inPath('apt-get') === undefined || process.getuid?.() !== 0) return `missing: ${names}; ${advice}`

  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const steps = [['update'], ['install', '-y', '--no-install-recommends', ...packages]]
  for (const step of steps) {
    const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...step], { env, encoding: 'utf8' })
    // A package list that could not be renewed in part may still know the package: the installation decides.
    if (status !== 0 && step !== steps[0]) {
      process.stderr.write(stdout + stderr)
      return `apt-get could not install ${names} (its output is above); ${advice}`
    }
  }
  const absent = missing.find(tool => tool.found() === undefined)
  return absent === undefined ? undefined : `still missing: ${absent.name}; ${advice}`
}
