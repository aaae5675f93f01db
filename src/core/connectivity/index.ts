export type { ChainCertificate } from './chain.ts'
export type { Probe, Probed, ProbeFailure, ProbeTarget } from './probe.ts'
export {
  type ConnectionReport,
  type ConnectionRequest,
  type ConnectionTesting,
  testConnection,
} from './test-connection.ts'
