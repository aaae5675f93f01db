/**
 * "If the spec and this document conflict, the spec is the authority" (head of the published document). What the
 * text of the Open Service Broker API 2.17 asks of answers and the document leaves out, in the form of the document.
 */
const filled = { minLength: 1 }
const flag = { type: 'boolean' }
/** `yyyy-mm-ddThh:mm:ss.sZ` (section Binding). */
const moment = { pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d+Z$' }

/** "The $schema key MUST be present" (section Schemas Object). */
const withSchema = { properties: { parameters: { required: ['$schema'] } } }

/** "The expected response body is {}." */
const empty = {
  responses: { 200: { content: { 'application/json': { schema: { type: 'object', maxProperties: 0 } } } } },
}

const instance = '/v2/service_instances/{instance_id}'

export const beyondDocument = {
  paths: {
    [instance]: { patch: empty, delete: empty },
    [`${instance}/service_bindings/{binding_id}`]: { delete: empty },
  },
  components: {
    schemas: {
      Catalog: { required: ['services'] },
      // "MUST be a non-empty string"; "MUST contain at least one Service Plan"; the flags are in the text alone.
      Service: {
        properties: {
          id: filled,
          name: filled,
          description: filled,
          instances_retrievable: flag,
          bindings_retrievable: flag,
          allow_context_updates: flag,
          plans: { minItems: 1 },
        },
      },
      Plan: { properties: { id: filled, name: filled, description: filled } },
      ServiceInstanceSchema: { properties: { create: withSchema, update: withSchema } },
      ServiceBindingSchema: { properties: { create: withSchema } },
      // "MUST be returned if the Service Broker supports generation of credentials": ours does nothing else.
      ServiceBindingResponse: { required: ['credentials'] },
      ServiceBindingMetadata: { properties: { expires_at: moment, renew_before: moment } },
      // "A non-empty array".
      ServiceBindingEndpoint: { properties: { host: filled, ports: { minItems: 1, items: filled } } },
      LastOperationResource: { properties: { description: filled } },
      // "A single word in camel case"; "if present, MUST be a non-empty string". Ours always has both.
      Error: {
        required: ['error', 'description'],
        properties: { error: { pattern: '^([A-Z][a-z]*)+$' }, description: filled },
      },
    },
  },
}

/** What we send beside it (section Vendor Extension Fields). */
export const ownMembers = {
  components: { schemas: { Error: { properties: { correlation_id: { type: 'string', minLength: 1 } } } } },
}

/** What the document knows of a request: its operation, its address with other methods, or nothing. */
interface Asked {
  readonly known: 'operation' | 'address' | 'nothing'
  readonly method: string
}

/**
 * Refusals that the document does not list, operation by operation. "When a request to a Service Broker fails, the
 * Service Broker MUST return an appropriate HTTP response code" (section Service Broker Errors).
 */
export const refusalsOfText: Readonly<Record<number, (asked: Asked) => boolean>> = {
  // Content Type; Originating Identity; a missing parameter.
  400: () => true,
  // "MUST return a 401 Unauthorized" (section Platform to Service Broker Authentication).
  401: () => true,
  // Who is known, and may not.
  403: () => true,
  // What is to be deleted is 410 instead: "MUST be returned if the Service Instance does not exist".
  404: ({ known, method }) => known === 'nothing' || (known === 'operation' && method !== 'DELETE'),
  405: ({ known }) => known === 'address',
  // "MAY reject the request with 412 Precondition Failed" (section API Version Header).
  412: () => true,
  413: () => true,
  429: () => true,
}
