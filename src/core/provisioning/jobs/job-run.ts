import type { Context } from '../../context.ts'
import type { Transactions } from '../../store.ts'
import type { EntityState, ProvisioningTables, StoredJob } from '../store.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import type { Transformation } from '../transformation/index.ts'
import type { Connector } from '../types/type.ts'
import type { KnownStates } from './known-states.ts'
import type { ReportWriter } from './report.ts'
import type { Target } from './target.ts'

/** A job under way. */
export interface JobRun {
  readonly job: StoredJob
  readonly source: OpenedSystem
  readonly connector: Connector
  readonly transformation: Transformation
  readonly targets: readonly Target[]
  readonly report: ReportWriter
  readonly store: Transactions<ProvisioningTables>
  readonly context: Context
  /** Everything is counted, and nothing is written anywhere. */
  readonly simulated: boolean
  /** Entities are written whether or not they have changed. */
  readonly writesAll: boolean
  /** Fires when the job is to stop. */
  readonly signal: AbortSignal
  /** Also of what is not noted yet. */
  readonly known: KnownStates
  /**
   * Before something is sent: where time has run out, for a process that was stopped or a clock that was set, sees
   * that nobody else runs the job. Throws Stopped when somebody does.
   */
  holds(): Promise<void>
  /** Writes down what is known and done, in one transaction. Throws Stopped when the job is to stop. */
  checkpoint(
    states: readonly EntityState[],
    more?: (tables: ProvisioningTables) => Promise<void>,
  ): Promise<void>
}

const attemptsOfJob = 1000

/** What entities that an attempt of a job has read are marked with. */
export const attemptMark = ({ number, attempt }: Pick<StoredJob, 'number' | 'attempt'>): number =>
  number * attemptsOfJob + Math.min(attempt, attemptsOfJob - 1)

/** Everything that a job has read has at least this mark. */
export const jobMark = ({ number }: Pick<StoredJob, 'number'>): number => number * attemptsOfJob
