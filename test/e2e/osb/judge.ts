import assert from 'node:assert/strict'
import { Ajv, type AnySchemaObject } from 'ajv'
import type { Answer } from '../../support/server.ts'

/**
 * What the Open Service Broker API 2.17 publishes of its answers (openapi.yaml and spec.md of the version), written
 * down as schemas, member by member; the rules that only its text has stand beside them.
 */
const text = { type: 'string' } as const
const filled = { type: 'string', minLength: 1 } as const
const flag = { type: 'boolean' } as const
const anything = { type: 'object' } as const
/** `yyyy-mm-ddThh:mm:ss.sZ` (section Binding Metadata Object). */
const moment = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d+Z$' } as const

const object = (properties: Record<string, AnySchemaObject>, ...required: string[]): AnySchemaObject => ({
  type: 'object',
  properties,
  required,
})
const list = (items: AnySchemaObject) => ({ type: 'array', items })

/** "The $schema key MUST be present". */
const parameters = object({ parameters: { type: 'object', required: ['$schema'] } })

const maintenanceInfo = object({ version: text, description: text }, 'version')

const plan = object(
  {
    id: filled,
    name: filled,
    description: filled,
    metadata: anything,
    maintenance_info: maintenanceInfo,
    free: flag,
    bindable: flag,
    binding_rotatable: flag,
    plan_updateable: flag,
    maximum_polling_duration: { type: 'integer' },
    schemas: object({
      service_instance: object({ create: parameters, update: parameters }),
      service_binding: object({ create: parameters }),
    }),
  },
  'id',
  'name',
  'description',
)

const service = object(
  {
    name: filled,
    id: filled,
    description: filled,
    tags: list(text),
    requires: list({ type: 'string', enum: ['syslog_drain', 'route_forwarding', 'volume_mount'] }),
    bindable: flag,
    instances_retrievable: flag,
    bindings_retrievable: flag,
    allow_context_updates: flag,
    binding_rotatable: flag,
    plan_updateable: flag,
    metadata: anything,
    dashboard_client: object({ id: text, secret: text, redirect_uri: text }),
    plans: { type: 'array', items: plan, minItems: 1 },
  },
  'name',
  'id',
  'description',
  'bindable',
  'plans',
)

const instanceMetadata = object({ labels: anything, attributes: anything })
const provisioned = object({ dashboard_url: text, metadata: instanceMetadata })
const instance = object({
  service_id: text,
  plan_id: text,
  dashboard_url: text,
  parameters: anything,
  maintenance_info: maintenanceInfo,
  metadata: instanceMetadata,
})
const volumeMount = object(
  {
    driver: text,
    container_dir: text,
    mode: { type: 'string', enum: ['r', 'rw'] },
    device_type: { type: 'string', enum: ['shared'] },
    device: object({ volume_id: text, mount_config: anything }, 'volume_id'),
  },
  'driver',
  'container_dir',
  'mode',
  'device_type',
  'device',
)
const binding = object(
  {
    metadata: object({ expires_at: moment, renew_before: moment }),
    credentials: anything,
    syslog_drain_url: text,
    route_service_url: text,
    volume_mounts: list(volumeMount),
    endpoints: list(
      object(
        {
          host: text,
          ports: { type: 'array', items: text, minItems: 1 },
          protocol: { type: 'string', enum: ['tcp', 'udp', 'all'] },
        },
        'host',
        'ports',
      ),
    ),
  },
  // "MUST be returned if the Service Broker supports generation of credentials".
  'credentials',
)
const lastOperation = object(
  {
    state: { type: 'string', enum: ['in progress', 'succeeded', 'failed'] },
    description: filled,
    instance_usable: flag,
    update_repeatable: flag,
  },
  'state',
)
/** "The expected response body is {}". */
const empty = { type: 'object', maxProperties: 0 }
const error = object({
  error: { type: 'string', pattern: '^[A-Za-z]+$' },
  description: filled,
  instance_usable: flag,
  update_repeatable: flag,
})

const one = '/v2/service_instances/{instance_id}'
const bound = `${one}/service_bindings/{binding_id}`

/** Operation -> status -> the body that goes with it. */
export const published: Readonly<Record<string, Readonly<Record<number, AnySchemaObject>>>> = {
  'GET /v2/catalog': { 200: object({ services: list(service) }, 'services') },
  [`PUT ${one}`]: { 200: provisioned, 201: provisioned, 400: error, 401: error, 409: error, 422: error },
  [`PATCH ${one}`]: { 200: empty, 400: error, 401: error, 422: error },
  [`DELETE ${one}`]: { 200: empty, 400: error, 401: error, 410: error, 422: error },
  [`GET ${one}`]: { 200: instance, 404: error },
  [`GET ${one}/last_operation`]: { 200: lastOperation, 400: error, 401: error, 404: error, 410: error },
  [`PUT ${bound}`]: { 200: binding, 201: binding, 400: error, 401: error, 409: error, 422: error },
  [`DELETE ${bound}`]: { 200: empty, 400: error, 401: error, 410: error, 422: error },
  [`GET ${bound}`]: { 200: binding, 404: error },
  [`GET ${bound}/last_operation`]: { 200: lastOperation, 400: error, 401: error, 404: error, 410: error },
}

/** For every operation: a platform that is not let in, the wrong version (412), an instance that is not there. */
const everywhere = new Set([401, 403, 404, 412, 413, 429, 400])

const ajv = new Ajv({ strict: true, allErrors: true, strictRequired: false })

/** Fails unless the answer is one that the specification has for the operation. `path` is below `/osb`. */
export function assertPublished(method: string, path: string, answer: Answer): void {
  const operation = `${method} ${path
    .replace(/\?.*$/, '')
    .replace(/(service_instances)\/[^/]+/, '$1/{instance_id}')
    .replace(/(service_bindings)\/[^/]+/, '$1/{binding_id}')}`
  const schema = published[operation]?.[answer.status] ?? (everywhere.has(answer.status) ? error : undefined)
  assert.ok(schema, `${operation} has no answer ${answer.status}: ${answer.text}`)
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  const fits = ajv.compile(schema)
  assert.ok(fits(answer.json()), `${operation} ${answer.status}: ${ajv.errorsText(fits.errors)}`)
}
