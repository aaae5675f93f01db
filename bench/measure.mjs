// Processes pinned to one processor, load on them from the same processor, and what it cost.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * Server and load generator share one processor: otherwise each answer wakes the other processor, and that is
 * charged to the server. The last one, because the first takes most interrupts.
 */
export const processor = availableParallelism() - 1
const otherProcessor = Math.max(0, processor - 1)
const connections = 64
const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout)
const servers = fileURLToPath(new URL('servers/', import.meta.url))

/** Starts a server of `servers/`; resolves when it takes requests, with what it told. */
export const startServer = async (
  name,
  options = {},
  { nodeOptions = [], report = () => {}, on = processor } = {},
) => {
  const script = join(servers, `${name}.mjs`)
  const args = ['-c', String(on), process.execPath, ...nodeOptions, script, JSON.stringify(options)]
  const env = { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' }
  const child = spawn('taskset', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', chunk => {
    complaints = (complaints + chunk).slice(-4000)
  })
  const ended = new Promise(resolve => child.on('close', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${name} ended:\n${complaints}`)
      if (value.startsWith('{') || /^[\d.]+$/.test(value)) return JSON.parse(value)
      report(value)
    }
  }
  const facts = await nextLine()
  return {
    ...facts,
    pid: child.pid,
    ask(command) {
      child.stdin.write(`${command}\n`)
      return nextLine()
    },
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}

/**
 * Starts a load generator of `clients/`, on the processor beside: unlike wrk it needs about as much as a server does,
 * and what it costs to wake it is part of all figures alike.
 */
export const startClient = options => startServer('../clients/tls', options, { on: otherProcessor })

/** One round: load by such a client. */
export const loadByClient = async (client, server) => {
  const before = cpuSeconds(server.pid)
  const { seconds, ...counts } = await client.ask('load')
  const { requests } = counts
  const microseconds = ((cpuSeconds(server.pid) - before) * 1e6) / requests
  return { microseconds, perSecond: requests / seconds, ...counts }
}

/** CPU seconds of a process and everything below it, all threads, from /proc. */
export const cpuSeconds = pid => {
  const fields = statOf(pid)
  const own = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own)
}

/** The fields of proc(5) stat after the name, state first. */
const statOf = pid =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')

const childrenOf = pid =>
  readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )

/** Resident memory of the process, MB. */
export const residentMegabytes = pid => megabytesOf(pid, 'VmRSS')

/** The most that was resident at any time, MB. */
export const peakMegabytes = pid => megabytesOf(pid, 'VmHWM')

/** A line of proc(5) status. */
const megabytesOf = (pid, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

/** Busy and all ticks of all processors so far. */
export const processorTicks = () => {
  const ticks = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number)
  const all = ticks.reduce((sum, each) => sum + each, 0)
  return { all, idle: ticks[3] + ticks[4], steal: ticks[7] }
}

/** How most credentials are shown. */
export const bearer = { header: 'Authorization', prefix: 'Bearer ' }

/**
 * Writes a script for wrk that sends this request; with `tokens` (a file) each time with the next of its tokens, with
 * `bodies` (a file) each time with the next of its lines as the body. `credential`: in which header a token goes.
 */
export const writeRequest = (
  file,
  { method, path, headers, body },
  { tokens, bodies, credential: { header, prefix } = bearer } = {},
) => {
  const quote = text => JSON.stringify(text).replace(/\\u(....)/g, '\\u{$1}')
  const table = Object.entries(headers).map(([name, value]) => `[${quote(name)}] = ${quote(value)}`)
  const format = (given = body ? quote(body) : 'nil') =>
    `wrk.format(${quote(method)}, ${quote(path)}, headers, ${given})`
  const prepared = tokens
    ? `for token in io.lines(${quote(tokens)}) do
    headers[${quote(header)}] = ${quote(prefix)} .. token
    requests[#requests + 1] = ${format()}
  end`
    : bodies
      ? `for body in io.lines(${quote(bodies)}) do requests[#requests + 1] = ${format('body')} end`
      : `requests[1] = ${format()}`
  writeFileSync(
    file,
    `local requests, at = {}, 0
function init()
  local headers = { ${table.join(', ')} }
  ${prepared}
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"refused":%d,"broken":%d,"late":%d}\\n',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write, e.timeout))
end
`,
  )
}

/**
 * Runs `work` and tells which share of one processor everybody else took meanwhile: all that was busy, less
 * `servers` and the children of this process that ended (wrk).
 */
export const watched = async (servers, work) => {
  const ours = () => endedChildrenSeconds() + servers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
  const busy = () => {
    const { all, idle, steal } = processorTicks()
    return (all - idle - steal) / ticksPerSecond
  }
  const before = { busy: busy(), ours: ours(), at: performance.now() }
  const result = await work()
  const seconds = (performance.now() - before.at) / 1000
  const others = busy() - before.busy - (ours() - before.ours)
  return { ...result, othersPercent: Math.max(0, (100 * others) / seconds) }
}

const endedChildrenSeconds = () => {
  const fields = statOf('self')
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
}

/** One round: load for so many seconds. `refused`: answers above 399; `broken`: connections; `late`: over 2 s. */
export const load = async (server, script, seconds) => {
  const args = ['-c', processor, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, server.url]
  const before = cpuSeconds(server.pid)
  const child = spawn('taskset', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const ended = new Promise(resolve => child.on('close', resolve))
  for await (const chunk of child.stdout) output += chunk
  await ended
  const cpu = cpuSeconds(server.pid) - before
  const summary = output.split('\n').find(line => line.startsWith('{'))
  if (!summary) throw new Error(`wrk said:\n${output}`)
  const { seconds: took, ...counts } = JSON.parse(summary)
  const { requests } = counts
  return { microseconds: (cpu * 1e6) / requests, perSecond: requests / took, ...counts }
}

/** Least, middle and greatest. */
export const spread = values => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { min: sorted[0], median, max: sorted.at(-1) }
}
