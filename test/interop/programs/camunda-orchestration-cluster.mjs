// A worker with @camunda8/orchestration-cluster-api: all it knows is its environment.
import { createCamundaClient } from '@camunda8/orchestration-cluster-api'

const camunda = createCamundaClient()
try {
  const { gatewayVersion } = await camunda.getTopology()
  console.log(JSON.stringify({ gatewayVersion }))
} catch (error) {
  // The client calls without a token when it got none; the reason comes only to who asks for the token.
  const reason = await camunda.getAuthHeaders().catch(reason => reason.message)
  console.log(JSON.stringify({ message: `${error.message}; ${reason}` }))
}
