import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Meter } from '../../core/meter.ts'

export interface PrometheusMeter extends Meter {
  readonly registry: Registry
  /** The page, in the text format of Prometheus. */
  page(): Promise<string>
}

/** Counts for Prometheus. */
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
  // One process of a machine watches; the page of all shows what it found.
  const aggregator = 'max'
  const keyEnds = new Gauge({
    name: 'countersign_certificate_expiry_timestamp_seconds',
    help: 'End of the certificate of a service key, where it ends within 60 days; the 1000 nearest',
    labelNames: ['tenant', 'instance', 'key'],
    aggregator,
    registers,
  })
  const ending = new Gauge({
    name: 'countersign_certificates_ending',
    help: 'Certificates in use that end within 60 days, by what they are for and the nearest state they are in',
    labelNames: ['of', 'state'],
    aggregator,
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
    certificatesEnding(keys, counts) {
      keyEnds.reset()
      for (const { names, notAfter } of keys) keyEnds.set({ ...names }, notAfter / 1000)
      for (const { of, state, count } of counts) ending.set({ of, state }, count)
    },
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
