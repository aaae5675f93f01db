import { Worker } from 'node:worker_threads'
import type { KeyFileContents, KeyFileReading } from '../../core/keystore/index.ts'
import { Problem } from '../../core/problem.ts'
import type { KeyFileResult, KeyFileWork } from './protocol.ts'

/**
 * Reads files of keys in a thread of their own, one at a time, so that no request waits for a passphrase to be tried.
 * A file that takes longer than `limitMs` is given up; past `mostWaiting` at once, the caller is asked to come again.
 */
export function createKeyFileReading({ limitMs = 20_000, mostWaiting = 20 } = {}): KeyFileReading {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  return async (file, opening) => {
    if (waiting >= mostWaiting)
      return new Problem('unavailable', 'temporarily unavailable', {
        reason: `${waiting} files of keys wait to be read`,
        retryAfter: 10,
      })
    waiting++
    const turn = last.then(() => readInThread({ file, opening }, limitMs))
    last = turn.catch(() => {})
    try {
      return await turn
    } finally {
      waiting--
    }
  }
}

async function readInThread(work: KeyFileWork, limitMs: number): Promise<KeyFileContents | Problem> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const thread = new Worker(new URL(`./reader${extension}`, import.meta.url), { workerData: work })
  const { promise, resolve, reject } = Promise.withResolvers<KeyFileResult | undefined>()
  const timer = setTimeout(() => resolve(undefined), limitMs)
  thread.once('message', resolve)
  thread.once('error', reject)
  try {
    const result = await promise
    if (result === undefined)
      return new Problem(
        'invalid_input',
        `it cannot be imported: reading it takes more than ${limitMs / 1000} s`,
        {
          hint: 'Write it anew with fewer iterations.',
        },
      )
    if ('refused' in result)
      return new Problem(
        'invalid_input',
        result.refused,
        result.hint === undefined ? {} : { hint: result.hint },
      )
    return { ...result, certificates: result.certificates.map(der => Buffer.from(der)) }
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}
