import { z } from 'zod'
import { isProblem } from '../../../core/problem.ts'
import {
  activateCertificate,
  createSystem,
  deleteCertificate,
  deleteSystem,
  downloadCertificate,
  entityTypes,
  generateCertificate,
  type JsonObject,
  jobProperties,
  listCertificates,
  listSystems,
  type SystemCertificateInfo,
  type SystemInfo,
  setProperties,
  setTransformation,
  showSystem,
  showTransformation,
  systemRoles,
  systemTypes,
  tryTransformation,
} from '../../../core/provisioning/index.ts'
import { addressOnly } from './audit.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, time } from './schemas.ts'

const ofSystem = z.object({ name: z.string() })
const ofCertificate = z.object({ name: z.string(), fingerprint: z.string() })
const ofTransformation = z.object({ name: z.string(), kind: z.enum(['read', 'write']) })
const changes = z
  .record(z.string(), z.union([z.string(), z.null()]))
  .meta({ description: 'Names and values are case-sensitive; null takes a property away' })

const system = z.object({
  name: z.string(),
  type: z.string(),
  role: z.enum(systemRoles),
  properties: z.record(z.string(), z.string()),
  credentials: z
    .array(z.string())
    .meta({ description: 'Names of the credential properties: their values are never shown' }),
  missing: z.array(z.string()).meta({ description: 'What has to be set before the system can be used' }),
  ownReadTransformation: z.boolean(),
  ownWriteTransformation: z.boolean(),
  createdAt: time,
  updatedAt: time,
})

const certificate = z.object({
  fingerprint: z.string().meta({ description: 'SHA-256, hexadecimal' }),
  active: z.boolean(),
  state: z.string(),
  subject: z.string(),
  issuer: z.string(),
  serialNumber: z.string(),
  algorithm: z.string(),
  notBefore: time,
  notAfter: time,
})

const trial = z.strictObject({
  entityType: z.enum(entityTypes),
  entity: z.record(z.string(), z.unknown()),
  transformation: z.unknown().optional().meta({ description: 'Default: the one in use' }),
  operation: z
    .enum(['create', 'update', 'delete'])
    .optional()
    .meta({ description: 'Of writing; default create' }),
})

const showInfo = ({ createdAt, updatedAt, credentials, missing, ...rest }: SystemInfo) => ({
  ...rest,
  credentials: [...credentials],
  missing: [...missing],
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
})

const showCertificate = ({ notBefore, notAfter, ...rest }: SystemCertificateInfo) => ({
  ...rest,
  notBefore: iso(notBefore),
  notAfter: iso(notAfter),
})

/** Values that say nothing of a secret: addresses without their query, names of what was sealed. */
const auditOf = ({ properties, credentials }: z.infer<typeof system>) => ({
  ...Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      URL.canParse(value) ? addressOnly(value) : value,
    ]),
  ),
  credentials,
})

/** Systems that identities are read from and written to, their certificates and transformations. */
export const provisioningSystemRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/provisioning/system-types',
    summary: 'List the types of systems with their properties',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    answer: z.object({
      types: z.array(
        z.object({
          name: z.string(),
          title: z.string(),
          roles: z.array(z.string()),
          properties: z.array(
            z.object({
              name: z.string(),
              description: z.string(),
              credential: z.boolean(),
              roles: z.array(z.string()).meta({ description: 'Of the systems in which it has an effect' }),
              values: z.array(z.string()).optional(),
            }),
          ),
        }),
      ),
    }),
    handle: async () => ({
      types: systemTypes.map(({ name, title, roles, properties }) => ({
        name,
        title,
        roles,
        properties: [...properties, ...jobProperties]
          .map(one => ({ ...one, roles: roles.filter(role => !one.roles || one.roles.includes(role)) }))
          .filter(one => one.roles.length > 0)
          .map(({ name: property, description, credential, roles: effective, values }) => ({
            name: property,
            description,
            credential: credential === true,
            roles: effective,
            ...(values && { values: [...values] }),
          })),
      })),
    }),
  }),
  route({
    method: 'GET',
    path: '/provisioning/systems',
    summary: 'List the systems that identities are read from and written to',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    answer: z.object({ systems: z.array(system) }),
    handle: async ({ tenant }, services) => ({
      systems: (await listSystems(tenant, services)).map(showInfo),
    }),
  }),
  route({
    method: 'POST',
    path: '/provisioning/systems',
    summary: 'Create a system',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      name: z.string(),
      type: z.string().meta({ description: systemTypes.map(({ name }) => name).join(', ') }),
      role: z.string().meta({ description: systemRoles.join(', ') }),
      properties: changes.optional(),
    }),
    answer: system,
    status: 201,
    async handle({ tenant, body }, services) {
      const made = await createSystem(tenant, body, services)
      return isProblem(made) ? made : showInfo(made)
    },
    audit: answer => ({ type: answer.type, role: answer.role, ...auditOf(answer) }),
  }),
  route({
    method: 'GET',
    path: '/provisioning/systems/:name',
    summary: 'Show a system, without what is secret, and its schedule',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofSystem,
    answer: system.extend({ everyMinutes: z.int().nullable(), nextRunAt: time.nullable() }),
    async handle({ tenant, parameters: { name } }, services) {
      const found = await showSystem(tenant, name, services)
      if (isProblem(found)) return found
      const { everyMinutes, nextRunAt, ...info } = found
      return { ...showInfo(info), everyMinutes: everyMinutes ?? null, nextRunAt: isoOrNull(nextRunAt) }
    },
  }),
  route({
    method: 'PATCH',
    path: '/provisioning/systems/:name',
    summary: 'Set properties of a system, and take them away: all of them, or none',
    roles: ['SecurityMaterialEdit'],
    parameters: ofSystem,
    body: z.strictObject({ properties: changes }),
    answer: system,
    async handle({ tenant, parameters: { name }, body }, services) {
      const changed = await setProperties(tenant, name, body.properties, services)
      return isProblem(changed) ? changed : showInfo(changed)
    },
    audit: (answer, { properties }) => ({ changed: Object.keys(properties), ...auditOf(answer) }),
  }),
  route({
    method: 'DELETE',
    path: '/provisioning/systems/:name',
    summary: 'Delete a system with its certificates, its jobs and what is known of its entities',
    roles: ['SecurityMaterialEdit'],
    parameters: ofSystem,
    status: 204,
    handle: ({ tenant, parameters: { name } }, services) => deleteSystem(tenant, name, services),
  }),
  route({
    method: 'GET',
    path: '/provisioning/systems/:name/transformations/:kind',
    summary: 'Show the transformation in use',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofTransformation,
    answer: z.object({ own: z.boolean(), transformation: z.unknown() }),
    handle: ({ tenant, parameters: { name, kind } }, services) =>
      showTransformation(tenant, name, kind, services),
  }),
  route({
    method: 'PUT',
    path: '/provisioning/systems/:name/transformations/:kind',
    summary: 'Put a transformation of its own in the place of that of the type',
    roles: ['SecurityMaterialEdit'],
    parameters: ofTransformation,
    body: z.record(z.string(), z.unknown()),
    answer: system,
    async handle({ tenant, parameters: { name, kind }, body }, services) {
      const changed = await setTransformation(tenant, name, kind, body, services)
      return isProblem(changed) ? changed : showInfo(changed)
    },
  }),
  route({
    method: 'DELETE',
    path: '/provisioning/systems/:name/transformations/:kind',
    summary: 'Use the transformation of the type again',
    roles: ['SecurityMaterialEdit'],
    parameters: ofTransformation,
    answer: system,
    async handle({ tenant, parameters: { name, kind } }, services) {
      const changed = await setTransformation(tenant, name, kind, undefined, services)
      return isProblem(changed) ? changed : showInfo(changed)
    },
  }),
  route({
    method: 'POST',
    path: '/provisioning/systems/:name/transformations/:kind/dry-run',
    summary: 'Put an entity through a transformation, and show what would change; nothing is read or written',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofTransformation,
    body: trial,
    answer: z.object({
      outcome: z.enum(['mapped', 'skipped', 'failed']),
      reason: z.string().optional(),
      document: z.record(z.string(), z.unknown()).optional(),
      variables: z.record(z.string(), z.unknown()).optional(),
      differences: z
        .array(z.object({ path: z.string(), before: z.string().optional(), after: z.string().optional() }))
        .meta({
          description: 'Values as JSON, cut where they are long; without one where there was or is none',
        }),
    }),
    handle: ({ tenant, parameters: { name, kind }, body }, services) =>
      tryTransformation(tenant, name, kind, { ...body, entity: body.entity as JsonObject }, services),
  }),
  route({
    method: 'GET',
    path: '/provisioning/systems/:name/certificates',
    summary: 'List the certificates that a system is shown',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofSystem,
    answer: z.object({ certificates: z.array(certificate) }),
    async handle({ tenant, parameters: { name } }, services) {
      const held = await listCertificates(tenant, name, services)
      return isProblem(held) ? held : { certificates: held.map(showCertificate) }
    },
  }),
  route({
    method: 'POST',
    path: '/provisioning/systems/:name/certificates',
    summary: 'Generate a certificate: the first is active, the second waits to be activated',
    roles: ['SecurityMaterialEdit'],
    parameters: ofSystem,
    answer: certificate,
    status: 201,
    async handle({ tenant, parameters: { name } }, services) {
      const made = await generateCertificate(tenant, name, services)
      return isProblem(made) ? made : showCertificate(made)
    },
    audit: ({ fingerprint, active }) => ({ fingerprint, active }),
  }),
  route({
    method: 'GET',
    path: '/provisioning/systems/:name/certificates/:fingerprint',
    summary: 'Download a certificate (`newest`, or a fingerprint): what is uploaded at the other side',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofCertificate,
    answer: z.object({
      fingerprint: z.string(),
      pem: z.string().meta({ description: 'The certificate alone' }),
      chain: z.string().meta({ description: 'From the certificate to the root' }),
    }),
    handle: ({ tenant, parameters: { name, fingerprint } }, services) =>
      downloadCertificate(tenant, name, fingerprint === 'newest' ? undefined : fingerprint, services),
  }),
  route({
    method: 'POST',
    path: '/provisioning/systems/:name/certificates/:fingerprint/activate',
    summary: 'Show the system this certificate from the next call on',
    roles: ['SecurityMaterialEdit'],
    parameters: ofCertificate,
    answer: certificate,
    async handle({ tenant, parameters: { name, fingerprint } }, services) {
      const active = await activateCertificate(tenant, name, fingerprint, services)
      return isProblem(active) ? active : showCertificate(active)
    },
  }),
  route({
    method: 'DELETE',
    path: '/provisioning/systems/:name/certificates/:fingerprint',
    summary: 'Delete an inactive certificate, and revoke it',
    roles: ['SecurityMaterialEdit'],
    parameters: ofCertificate,
    status: 204,
    handle: ({ tenant, parameters: { name, fingerprint } }, services) =>
      deleteCertificate(tenant, name, fingerprint, services),
  }),
]
