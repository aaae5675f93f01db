import { AggregatorRegistry, Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Meter } from '../../core/meter.ts'

export interface PrometheusMeter extends Meter {
  readonly registry: Registry
  /** The page, in the text format of Prometheus. */
  page(): Promise<string>
}

/** Counts for Prometheus. `gauges` are read when the page is asked for. */
export function createPrometheusMeter(): PrometheusMeter {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const issued = new Counter({
    name: 'countersign_tokens_issued_total',
    help: 'Access tokens issued',
    labelNames: ['tenant', 'format'],
    registers,
  })
  const refusals = new Counter({
    name: 'countersign_requests_refused_total',
    help: 'Requests refused, by where they came in and why',
    labelNames: ['surface', 'code'],
    registers,
  })
  const messages = new Histogram({
    name: 'countersign_messages_seconds',
    help: 'Messages through integration flows, from arrival to answer',
    labelNames: ['tenant', 'flow', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers,
  })
  const issuedBy = children((tenant, format) => issued.labels(tenant, format))
  const refusedBy = children((surface, code) => refusals.labels(surface, code))
  return {
    registry,
    page: () => registry.metrics(),
    tokenIssued: (tenant, format) => issuedBy(tenant, format).inc(),
    refused: (surface, code) => refusedBy(surface, code).inc(),
    message: (tenant, flow, status, seconds) =>
      messages.labels(tenant, flow, String(status)).observe(seconds),
  }
}

/** The labelled child is looked up once, not hashed on every request. */
function children<Child>(make: (a: string, b: string) => Child): (a: string, b: string) => Child {
  const made = new Map<string, Child>()
  return (a, b) => {
    const key = `${a} ${b}`
    let child = made.get(key)
    if (!child) {
      child = make(a, b)
      made.set(key, child)
    }
    return child
  }
}

/** One page of the counts of several processes. */
export function mergePages(metrics: object[]): Promise<string> {
  return AggregatorRegistry.aggregate(metrics).metrics()
}
