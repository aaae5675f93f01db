import { z } from 'zod'
import { adminApi } from './index.ts'
import type { AdminRoute } from './route.ts'

/** The OpenAPI 3.1 document of the admin API, made from the schemas that validate. */
export function openApiDocument(serverUrl: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of adminApi) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Countersign admin API', version: '1' },
    servers: [{ url: serverUrl }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token of a service instance of plan api',
        },
      },
    },
  }
}

function operation(route: AdminRoute): object {
  const status = String(route.status ?? 200)
  return {
    summary: route.summary,
    description: `Roles: ${route.roles.join(' or ')}.`,
    parameters: [...parameters(route.parameters, 'path'), ...parameters(route.query, 'query')],
    ...(route.body && { requestBody: { required: true, content: json(route.body, 'input') } }),
    responses: {
      [status]: route.answer
        ? { description: 'Done', content: json(route.answer, 'output') }
        : { description: 'Done, nothing to say' },
      default: { description: 'Refused', content: json(refusal, 'output') },
    },
  }
}

const refusal = z.object({
  error: z.string(),
  error_description: z.string(),
  hint: z.string().optional(),
  correlation_id: z.string(),
})

const json = (schema: z.ZodType, io: 'input' | 'output') => ({
  'application/json': { schema: z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) },
})

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query'): object[] {
  if (!schema) return []
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' })
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: of,
  }))
}
