import { Worker } from 'node:worker_threads'
import type { KeyFileContents, KeyFileReading } from '../../core/keystore/index.ts'
import { Problem } from '../../core/problem.ts'
import type { KeyFileResult, KeyFileWork } from './protocol.ts'

/**
 * Reads files of keys in a thread of their own, one at a time, so that no request waits for a passphrase to be tried.
 * A file that takes longer than `limitMs` is given up; past `mostWaiting` at once, the caller is asked to come again.
 */
export function createKeyFileReading({ limitMs = 20_000, mostWaiting = 20 } = {}): KeyFileReading {
  const readInThread = keptThread()
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

/** Keeps the thread for the next file; one that was given up is not kept. */
function keptThread() {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  let kept: Worker | undefined

  return async (work: KeyFileWork, limitMs: number): Promise<KeyFileContents | Problem> => {
    const thread = kept ?? new Worker(new URL(`./reader${extension}`, import.meta.url))
    // Whoever waits hears of it below; an idle one that ends takes nothing with it.
    if (!kept) thread.on('error', () => {})
    kept = undefined
    thread.ref()
    const { promise, resolve, reject } = Promise.withResolvers<KeyFileResult | undefined>()
    const timer = setTimeout(() => resolve(undefined), limitMs)
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.postMessage(work)
    try {
      const result = await promise
      if (result === undefined) return tooSlow(limitMs)
      thread.removeListener('error', reject)
      // An idle thread does not keep the process alive.
      thread.unref()
      kept = thread
      return contentsOf(result)
    } finally {
      clearTimeout(timer)
      if (kept !== thread) await thread.terminate()
    }
  }
}

function contentsOf(result: KeyFileResult): KeyFileContents | Problem {
  if ('refused' in result)
    return new Problem(
      'invalid_input',
      result.refused,
      result.hint === undefined ? {} : { hint: result.hint },
    )
  return { ...result, certificates: result.certificates.map(der => Buffer.from(der)) }
}

const tooSlow = (limitMs: number): Problem =>
  new Problem('invalid_input', `it cannot be imported: reading it takes more than ${limitMs / 1000} s`, {
    hint: 'Write it anew with fewer iterations.',
  })
