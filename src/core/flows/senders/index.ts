import { https } from './https.ts'
import type { SenderAdapter } from './sender.ts'

export type { SenderAdapter } from './sender.ts'

/** THE LIST of sender adapters. */
export const senders: readonly SenderAdapter[] = [https]

/** The adapter that a flow file names. */
export function findSender(kind: string): SenderAdapter | undefined {
  return senders.find(sender => sender.kind === kind)
}
