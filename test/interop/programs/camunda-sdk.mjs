// A worker with @camunda8/sdk: all it knows is its environment.
import { Camunda8 } from '@camunda8/sdk'

try {
  const { gatewayVersion } = await new Camunda8().getCamundaRestClient().getTopology()
  console.log(JSON.stringify({ gatewayVersion }))
} catch (error) {
  console.log(JSON.stringify({ message: error.message }))
}
