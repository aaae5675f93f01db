import type { IncomingMessage } from 'node:http'
import { recordRefusal, redact } from '../../core/explain/index.ts'
import type { Problem } from '../../core/problem.ts'
import { envelopeOf } from './request.ts'
import type { Services } from './services.ts'

/** A part of the server as the records name it, with the checks that it runs, in order. */
export interface Surface {
  readonly name: string
  readonly checks: (request: IncomingMessage) => readonly string[]
}

type Observed = Pick<Services, 'journal' | 'meter' | 'context'>

/** Leaves the decision record, the log line and the count of a refusal. */
export function observeRefusal(
  problem: Problem,
  status: number,
  request: IncomingMessage,
  surface: Surface,
  { journal, meter, context }: Observed,
): void {
  const envelope = envelopeOf(request)
  const facts = {
    correlationId: envelope.correlationId,
    callerCorrelationId: envelope.callerCorrelationId,
    tenantId: envelope.tenant.id,
    at: context.now(),
    surface: surface.name,
    method: request.method ?? '',
    path: envelope.path,
    source: envelope.source,
    listener: envelope.listener,
    status,
  }
  journal.decision(recordRefusal(problem, facts, surface.checks(request)))
  meter.refused(surface.name, problem.code)
  const line = {
    correlationId: envelope.correlationId,
    tenant: envelope.tenant.name,
    surface: surface.name,
    status,
    code: problem.code,
    check: problem.check,
    clientId: problem.subject.clientId && redact(problem.subject.clientId).slice(0, 200),
    source: envelope.source,
    reason: redact(problem.reason),
  }
  if (status >= 500) context.log.warn(line, 'request refused')
  else context.log.info(line, 'request refused')
}
