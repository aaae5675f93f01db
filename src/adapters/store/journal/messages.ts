import type { Kysely } from 'kysely'
import type { Message } from '../../../core/flows/store.ts'
import type { JournalSchema } from './schema.ts'

/**
 * The message log is written with every message and read now and then. So the messages of one flow that are written
 * together are kept together, as one row with one JSON text: a row for each would cost twenty times as much.
 */
interface MessageGroup {
  readonly tenantId: string
  readonly flowId: string
  readonly messages: Message[]
  newestAt: number
}

/** Parts messages by flow, in their order. */
export function groupByFlow(messages: readonly Message[]): MessageGroup[] {
  const groups = new Map<string, MessageGroup>()
  for (const message of messages) {
    const { tenantId, flowId, endedAt } = message
    const key = `${tenantId} ${flowId}`
    const group = groups.get(key) ?? { tenantId, flowId, messages: [], newestAt: endedAt }
    group.messages.push(message)
    group.newestAt = Math.max(group.newestAt, endedAt)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** A group is at most 2000 messages, so this many fit into memory easily. */
const groupsAtOnce = 10

/** The newest messages of a tenant, or of one flow; of the same millisecond, in any order. */
export async function newestMessages(
  reader: Kysely<JournalSchema>,
  tenantId: string,
  { flowId, limit }: { flowId?: string; limit: number },
): Promise<Message[]> {
  const newestGroups = reader
    .selectFrom('messageGroups')
    .select(['seq', 'newestAt', 'entries'])
    .where('tenantId', '=', tenantId)
    .$if(flowId !== undefined, query => query.where('flowId', '=', flowId!))
    .orderBy('newestAt', 'desc')
    .orderBy('seq', 'desc')
    .limit(groupsAtOnce)
  let found: Message[] = []
  let page = await newestGroups.execute()
  for (;;) {
    for (const { newestAt, entries } of page) {
      // Groups overlap in time: only one that is older as a whole ends the search.
      if (found.length >= limit && found[limit - 1]!.endedAt > newestAt) return found
      const newestFirst = (JSON.parse(entries) as Message[]).reverse().map(complete)
      found = [...found, ...newestFirst].sort((a, b) => b.endedAt - a.endedAt).slice(0, limit)
    }
    if (page.length < groupsAtOnce) return found
    const { newestAt, seq } = page.at(-1)!
    page = await newestGroups
      .where(({ eb, and, or }) =>
        or([eb('newestAt', '<', newestAt), and([eb('newestAt', '=', newestAt), eb('seq', '<', seq)])]),
      )
      .execute()
  }
}

/** JSON leaves out what is undefined. */
const complete = (message: Message): Message => ({
  ...message,
  callerCorrelationId: message.callerCorrelationId,
  receiverStatus: message.receiverStatus,
  error: message.error,
})
