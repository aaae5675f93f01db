// A PostgreSQL of our own for one run of the tests: new, empty, on a free loopback port, gone afterwards.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresFolder } from './tools.mjs'

// The keeper outlives us if we are killed: the end of its input is the sign to stop the server and to
// remove everything. Each line of input is a port to try. The server is the keeper's own child, so that
// somebody waits for its end, and writes to a file: whoever reads an inherited pipe would wait for it, too.
const keeper = `
trap '' HUP INT TERM PIPE
bin=$1 dir=$2 server=
"$bin/initdb" -D "$dir/data" -U countersign --pwfile="$dir/password" --auth=scram-sha-256 \\
  --locale=C --encoding=UTF8 --no-sync >"$dir/log" 2>&1 && cat "$dir/settings" >>"$dir/data/postgresql.conf"
while read -r port; do
  "$bin/postgres" -D "$dir/data" -p "$port" >"$dir/log.$port" 2>&1 </dev/null &
  server=$!
done
"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || kill -KILL $server 2>/dev/null
wait
rm -rf "$dir"
`

// fsync stays on: tests kill the product and count on what it was told.
const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = '.'
max_connections = 100
fsync = on
synchronous_commit = on
`

const startTimeout = 60_000

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, which its package makes. */
const owner = () => {
  if (process.getuid() !== 0) return { command: [] }
  const id = flag => spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' })
  if (id('-u').status !== 0)
    throw new Error('There is no user postgres to run PostgreSQL as: run npm run setup -- --test.')
  return {
    command: ['runuser', '-u', 'postgres', '--'],
    uid: Number(id('-u').stdout),
    gid: Number(id('-g').stdout),
  }
}

/**
 * Starts PostgreSQL and gives its address and a function that stops and removes it. That also happens
 * when this process dies, however it dies.
 */
export const startPostgres = async () => {
  const bin = postgresFolder()
  if (bin === undefined) throw new Error('PostgreSQL is missing: run npm run setup -- --test.')
  const { command, uid, gid } = owner()
  // Another user could not enter a private temporary folder of root.
  const dir = mkdtempSync(join(uid === undefined ? tmpdir() : '/tmp', 'countersign-postgres-'))
  const password = randomBytes(16).toString('hex')
  writeFileSync(join(dir, 'password'), password, { mode: 0o600 })
  writeFileSync(join(dir, 'settings'), settings)
  if (uid !== undefined) for (const path of [dir, join(dir, 'password')]) chownSync(path, uid, gid)

  const [program, ...args] = [...command, 'sh', '-c', keeper, 'sh', bin, dir]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name)))
  // A session of its own: Ctrl-C in the terminal is for us, and we decide when the server goes.
  const child = spawn(program, args, { cwd: '/', env, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = new Promise(resolve => child.on('close', resolve).on('error', resolve))
  let alive = true
  ended.then(() => {
    alive = false
  })
  child.stdin.on('error', () => {})
  const stop = () => {
    child.stdin.end()
    return ended
  }

  const attempts = []
  // A port that is free now may be taken a moment later.
  while (alive && attempts.length < 3) {
    const port = await freePort()
    child.stdin.write(`${port}\n`)
    attempts.push(join(dir, `log.${port}`))
    if (await isReady(dir, attempts.at(-1), () => alive)) {
      return { url: `postgres://countersign:${password}@127.0.0.1:${port}/postgres`, stop }
    }
  }
  const log = [join(dir, 'log'), ...attempts].map(textOf).join('').trim()
  await stop()
  throw new Error(`PostgreSQL did not start:\n${log}`)
}

/** Empty where there is none: a server that gives up takes its own file away at any moment. */
const textOf = file => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return ''
    throw error
  }
}

/** Waits until the server takes connections (its own file says so); false if it gave up or is too slow. */
const isReady = async (dir, log, isAlive) => {
  for (const deadline = Date.now() + startTimeout; isAlive() && Date.now() < deadline; ) {
    if (/^ready\b/m.test(textOf(join(dir, 'data', 'postmaster.pid')))) return true
    if (/FATAL|PANIC|is not a valid|does not exist|could not access/.test(textOf(log))) return false
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return false
}
