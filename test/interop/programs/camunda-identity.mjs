// An operator's script with @camunda8/orchestration-cluster-api: the operations that stand on its standard input.
import { text } from 'node:stream/consumers'
import { createCamundaClient } from '@camunda8/orchestration-cluster-api'

const camunda = createCamundaClient()
const now = { consistency: { waitUpToMs: 0 } }
const outcomes = []
for (const [operation, input] of JSON.parse(await text(process.stdin))) {
  try {
    const isRead = /^(get|search)/.test(operation) && input !== undefined
    const value = await (isRead ? camunda[operation](input, now) : camunda[operation](input))
    outcomes.push({ operation, value })
  } catch (error) {
    const { status, title, detail, message } = error
    outcomes.push({ operation, status, title, detail, message })
  }
}
console.log(JSON.stringify(outcomes))
