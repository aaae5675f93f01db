export type { Admitted } from './authorizations/index.ts'
export { checkCsrf, fetchesCsrf, formatCsrfCookie, issueCsrf, modifies, parseCsrfCookie } from './csrf.ts'
export { type FlowDefinition, flowSchema, parseFlow } from './definition.ts'
export {
  type Deployment,
  deployFlow,
  flowsAskingFor,
  listFlows,
  neededByFlows,
  undeployFlow,
} from './deploy.ts'
export type { ForwardExchange, Forwarder, Incoming, Outgoing } from './forwarder.ts'
export { headersForSender } from './headers.ts'
export { createFlowRegistry, type Flow, type FlowMatch, type FlowRegistry } from './registry.ts'
export { findSender, senders } from './senders/index.ts'
export type { Exchange } from './steps/index.ts'
export type { DeployedFlow, FlowTable, Message } from './store.ts'
