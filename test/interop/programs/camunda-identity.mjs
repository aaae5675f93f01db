// An operator's script with @camunda8/orchestration-cluster-api, or the version of it that is named: the operations
// that stand on its standard input.
import { text } from 'node:stream/consumers'

const [, , name = '@camunda8/orchestration-cluster-api'] = process.argv
const { createCamundaClient } = await import(name)
const camunda = createCamundaClient()
const now = { consistency: { waitUpToMs: 0 } }
const outcomes = []
for (const [operation, input] of JSON.parse(await text(process.stdin))) {
  try {
    const isEventual = /^(get|search|(create|delete)User$)/.test(operation) && input !== undefined
    const value = await (isEventual ? camunda[operation](input, now) : camunda[operation](input))
    outcomes.push({ operation, value })
  } catch (error) {
    const { status, title, detail, message } = error
    outcomes.push({ operation, status, title, detail, message })
  }
}
// The client of 8.8 has numbers as BigInt.
console.log(JSON.stringify(outcomes, (_, value) => (typeof value === 'bigint' ? Number(value) : value)))
