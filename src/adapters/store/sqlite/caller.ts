import { SchemaTooNew, StoreClosed, StoreInUse } from '../errors.ts'
import type { Call, Reply } from './protocol.ts'

/** The way to the writer, from any process. */
export interface Caller {
  call(call: Call): Promise<Reply>
}

/** Matches replies to calls. */
export interface PendingCalls extends Caller {
  settle(reply: Reply): void
  /** Nothing will be answered any more. */
  fail(reason: string): void
}

/** `busy` is told when the first call is on its way and when the last one has been answered. */
export function pendingCalls(
  send: (id: number, call: Call) => void,
  busy: (yes: boolean) => void,
): PendingCalls {
  const pending = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>()
  let count = 0
  let failure: string | undefined
  return {
    call: call =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(new StoreClosed(failure))
        const id = ++count
        if (pending.size === 0) busy(true)
        pending.set(id, { resolve, reject })
        send(id, call)
      }),
    settle(reply) {
      const waiting = pending.get(reply.id)
      if (!waiting) return
      pending.delete(reply.id)
      if (pending.size === 0) busy(false)
      if (reply.error) waiting.reject(errorOf(reply.error))
      else waiting.resolve(reply)
    },
    fail(reason) {
      failure ??= reason
      for (const { reject } of pending.values()) reject(new StoreClosed(failure))
      pending.clear()
    },
  }
}

const named = { StoreInUse, SchemaTooNew, StoreClosed }

export function errorOf({ name, message, code }: NonNullable<Reply['error']>): Error {
  const Type = Object.hasOwn(named, name) ? named[name as keyof typeof named] : Error
  return Object.assign(new Type(message), code !== undefined && { code })
}
