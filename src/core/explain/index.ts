export type { DecisionCheck, DecisionRecord } from './decision.ts'
export { type DryRun, type Explanation, explainCredential, type TriedCredential } from './dry-run.ts'
export { markChecks, type RequestFacts, recordRefusal } from './record.ts'
export { redact } from './redact.ts'
