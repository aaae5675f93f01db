// An operator's script with @camunda8/sdk: the operations that stand on its standard input.
import { text } from 'node:stream/consumers'
import { Camunda8 } from '@camunda8/sdk'

const camunda = new Camunda8().getCamundaRestClient()
const outcomes = []
for (const [operation, input] of JSON.parse(await text(process.stdin))) {
  try {
    outcomes.push({ operation, value: await camunda[operation](input) })
  } catch (error) {
    const { statusCode: status, detail, message } = error
    outcomes.push({ operation, status, detail, message })
  }
}
console.log(JSON.stringify(outcomes))
