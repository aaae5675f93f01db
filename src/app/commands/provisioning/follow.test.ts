import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createTerminal } from '../../terminal/terminal.ts'
import type { AdminApi } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused } from '../support/errors.ts'
import { followJob } from './follow.ts'
import type { JobAnswer } from './job-answer.ts'

const job: JobAnswer = {
  id: 'job-1',
  source: 'hr',
  type: 'read',
  trigger: 'IMMEDIATE',
  triggeredBy: null,
  status: 'Queued',
  createdAt: '2026-11-20T12:00:00Z',
  startedAt: null,
  endedAt: null,
  readMode: null,
  doing: null,
  error: null,
  outcome: [],
  statistics: [],
  failed: [],
  checks: null,
}
const running = { ...job, status: 'Running', doing: 'users: 200 read' }
const ended = { ...job, status: 'Success', endedAt: '2026-11-20T12:00:05Z' }
const silent = () => new Refused('cannot reach https://localhost:8443')

/** Follows the job with a server that says one thing after the other, the last for ever. */
async function follow(...says: readonly (JobAnswer | Refused | 'Ctrl-C')[]) {
  const waited: number[] = []
  let time = 0
  let tell = () => {}
  let asked = 0
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const cli = {
    terminal: createTerminal(streams, {}, () => false),
    now: () => time,
    async wait(ms: number) {
      waited.push(ms)
      time += ms
    },
    onInterrupt(call: () => void) {
      tell = call
      return () => {
        tell = () => assert.fail('nobody listens any more')
      }
    },
    next: (command: string) => `countersign ${command}`,
  } as unknown as Cli
  const api = {
    async get(path: string) {
      assert.equal(path, '/provisioning/jobs/job-1')
      const said = says[Math.min(asked++, says.length - 1)]!
      if (said instanceof Refused) throw said
      if (said !== 'Ctrl-C') return said
      tell()
      return running
    },
  } as unknown as AdminApi
  try {
    return { job: await followJob(async () => job, api, cli), waited }
  } catch (refusal) {
    return { refusal: refusal as Refused, waited }
  }
}

test('a job is looked at soon, and then every second', async () => {
  const { job: last, waited } = await follow(running, running, ended)
  assert.equal(last, ended)
  assert.deepEqual(waited, [200, 1000, 1000])
})

test('a server that is restarted is waited for, up to a minute', async () => {
  assert.equal((await follow(running, silent(), silent(), ended)).job, ended)
  const { refusal, waited } = await follow(running, silent())
  assert.match(refusal!.message, /cannot reach/)
  assert.equal(waited.length, 2 + 60)
})

test('a refusal ends the waiting at once', async () => {
  const no = new Refused('there is no job job-1', { correlationId: 'some-id' })
  assert.equal((await follow(running, no)).refusal, no)
})

test('Ctrl-C ends the waiting, and says how to go on', async () => {
  const { refusal } = await follow(running, 'Ctrl-C')
  assert.match(refusal!.message, /job job-1 goes on/)
  assert.match(refusal!.hint!, /provisioning job log job-1.*provisioning job stop job-1/)
})
