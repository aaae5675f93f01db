import { day, type Log, minute } from '../../../core/context.ts'
import type { DecisionRecord } from '../../../core/explain/decision.ts'
import type { Message } from '../../../core/flows/store.ts'
import type { Journal } from '../../../core/journal.ts'
import { messageOf } from '../errors.ts'
import type { GroupWrite, JournalEngine } from './engine.ts'
import { groupByFlow, newestMessages } from './messages.ts'
import { decisionColumns, entryOf } from './schema.ts'
import type { GroupStatement, JournalStatements } from './statements.ts'

export interface JournalLimits {
  /** Entries that wait for being written; more are dropped. */
  readonly queued: number
  /** Rows kept of each kind, give or take a twentieth per process. */
  readonly rows: number
  readonly ageMs: number
  /** Credentials whose last use is remembered. */
  readonly credentials: number
}

const defaultLimits: JournalLimits = {
  queued: 10_000,
  rows: 100_000,
  ageMs: 30 * day,
  credentials: 1_000_000,
}

const groupMs = 200
/** So many need not wait for the time. */
const groupSize = 500
/** What has come together while a group was written goes in groups of up to so many. */
const largestGroup = 2000
const pruneEveryMs = 10 * minute

export interface StoreJournal extends Journal<Message, DecisionRecord> {
  /** Writes what is queued; what comes later is dropped. */
  close(): Promise<void>
}

export function createJournal(
  engine: JournalEngine,
  options: { log: Log; now(): number; limits?: Partial<JournalLimits> | undefined },
): StoreJournal {
  const { log, now } = options
  const limits = { ...defaultLimits, ...options.limits }
  // Messages are deleted by the group: none may be more of the kept rows than the deleting leaves to chance.
  const mostAtOnce = Math.min(largestGroup, pruneStep(limits))
  const { reader, statements } = engine
  let messages: Message[] = []
  let decisions: DecisionRecord[] = []
  let used = new Map<string, number>()
  let dropped = 0
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  const pruner = createPruner(statements, limits, now)

  /** Called with every entry: as little as possible. */
  function queued(count: number): void {
    if (count >= groupSize && !writing) startWriting()
    else if (timer === undefined) timer = setTimeout(startWriting, groupMs).unref()
  }
  const isFull = () => closed || messages.length + decisions.length >= limits.queued

  function startWriting(): void {
    clearTimeout(timer)
    timer = undefined
    if (writing) return
    writing = writeQueue().finally(() => {
      writing = undefined
      const left = messages.length + decisions.length
      if (left > 0 || used.size > 0) queued(left)
    })
  }

  /** Takes everything that is queued now and writes it, group by group. Never rejects. */
  async function writeQueue(): Promise<void> {
    const taken = { messages, decisions, used }
    messages = []
    decisions = []
    used = new Map()
    for (const slice of slices(taken.messages, mostAtOnce)) await writeMessages(slice)
    for (const slice of slices(taken.decisions, mostAtOnce)) await writeAll(statements.insertDecisions, slice)
    const uses = Array.from(taken.used, ([credentialId, at]) => ({ credentialId, at }))
    for (const slice of slices(uses, mostAtOnce)) await writeAll(statements.upsertLastUsed, slice)
  }

  function writeMessages(entries: readonly Message[]): Promise<void> {
    const inserts = groupByFlow(entries).map(({ tenantId, flowId, newestAt, messages }) => ({
      ...statements.insertMessages,
      parameters: [tenantId, flowId, newestAt, messages.length, storableJson(messages)],
    }))
    return write(inserts, entries.length)
  }

  const writeAll = (statement: GroupStatement, entries: readonly unknown[]) =>
    write([{ ...statement, parameters: [storableJson(entries)] }], entries.length)

  async function write(inserts: readonly GroupWrite[], entries: number): Promise<void> {
    const group = [...inserts, ...pruner.due(entries)]
    for (const attempt of ['first', 'last']) {
      try {
        return await engine.write(group)
      } catch (error) {
        log.error({ error: messageOf(error), entries, attempt }, 'the journal could not be written')
      }
    }
  }

  async function flush(): Promise<void> {
    await writing
    startWriting()
    await writing
  }

  return {
    message(message) {
      if (isFull()) dropped++
      else queued(messages.push(message))
    },
    decision(decision) {
      if (isFull()) dropped++
      else queued(decisions.push(decision))
    },
    used(credentialId, at) {
      used.set(credentialId, at)
      if (timer === undefined && !closed) queued(0)
    },
    messages: (tenantId, filter) => newestMessages(reader, tenantId, filter),
    async findDecision(tenantId, id) {
      const row = await reader
        .selectFrom('decisions')
        .selectAll()
        .where('id', '=', id)
        .where('tenantId', '=', tenantId)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && entryOf(row, decisionColumns)
    },
    async decisions(tenantId, { clientId, code, limit }) {
      const rows = await reader
        .selectFrom('decisions')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .$if(clientId !== undefined, query => query.where('clientId', '=', clientId!))
        .$if(code !== undefined, query => query.where('code', '=', code!))
        .orderBy('at', 'desc')
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute()
      return rows.map(row => entryOf(row, decisionColumns))
    },
    async lastUsed(credentialIds) {
      const found = new Map<string, number>()
      for (const ids of slices(credentialIds, groupSize)) {
        const rows = await reader
          .selectFrom('lastUsed')
          .selectAll()
          .where('credentialId', 'in', ids)
          .execute()
        for (const row of rows) found.set(row.credentialId, row.at)
      }
      return found
    },
    flush,
    get dropped() {
      return dropped
    },
    async close() {
      closed = true
      await flush()
      clearTimeout(timer)
    },
  }
}

/** After so many entries it is time to delete. */
const pruneStep = ({ rows }: JournalLimits) => Math.max(1, Math.floor(rows / 20))

/** Deletes what is past the bounds, now and then, in the wake of a group. */
function createPruner(statements: JournalStatements, limits: JournalLimits, now: () => number) {
  const step = pruneStep(limits)
  let written = 0
  let at = now()
  return {
    due(entries: number): { sql: string; parameters: number[] }[] {
      written += entries
      const time = now()
      const byTime = Math.abs(time - at) >= pruneEveryMs
      if (written < step && !byTime) return []
      written = 0
      at = time
      const perKind = Object.values(statements.prune).flatMap(({ byCount, byAge }) => [
        { sql: byCount, parameters: [limits.rows] },
        { sql: byAge, parameters: [time - limits.ageMs] },
      ])
      return byTime
        ? [...perKind, { sql: statements.pruneLastUsed, parameters: [limits.credentials] }]
        : perKind
    },
  }
}

function* slices<Entry>(entries: readonly Entry[], size: number): Generator<readonly Entry[]> {
  for (let at = 0; at < entries.length; at += size) yield entries.slice(at, at + size)
}

/** JSON without the two things that PostgreSQL cannot store as text: NUL and halves of surrogate pairs. */
function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json
  // The second half of the pattern steps over a backslash that is itself escaped.
  return json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, sequence =>
    sequence.length === 6 ? '\\ufffd' : sequence,
  )
}
