import { z } from 'zod'
import {
  addCertificate,
  addSecret,
  deleteApplication,
  findApplication,
  type Granted,
  grantRole,
  registerApplication,
  removeCertificate,
  removeSecret,
  revokeGrant,
  updateApplication,
} from '../../../core/applications/index.ts'
import { isProblem } from '../../../core/problem.ts'
import {
  appAnswer,
  certificateAnswer,
  secretAnswer,
  showApplication,
  showApplications,
  showCertificate,
  showSecret,
} from './app-answer.ts'
import { type AdminRoute, route } from './route.ts'

const ofApp = z.object({ app: z.string() })

const settings = {
  idUri: z.string().optional().meta({ description: 'App ID URI: api://... or https://...' }),
  requestedAccessTokenVersion: z
    .union([z.literal(1), z.literal(2)])
    .optional()
    .meta({ description: 'How tokens for it look; 2 where not given' }),
  assignmentRequired: z
    .boolean()
    .optional()
    .meta({ description: 'Issue tokens for it only to applications that hold one of its roles' }),
  assertionReplay: z.enum(['refused', 'reported']).optional().meta({
    description: 'An assertion of its own that comes again; reported where not given: MSAL sends it again',
  }),
  appRoles: z
    .array(
      z.strictObject({
        id: z.string().optional().meta({ description: 'GUID; made up where not given' }),
        value: z.string(),
        displayName: z.string().max(256).optional(),
        enabled: z.boolean().optional(),
      }),
    )
    .optional(),
}

const named = (body: { requestedAccessTokenVersion?: 1 | 2 | undefined }) => {
  const { requestedAccessTokenVersion: tokenVersion, ...rest } = body
  return { ...rest, tokenVersion }
}

const auditApp = ({
  id,
  idUri,
  requestedAccessTokenVersion,
  assignmentRequired,
  assertionReplay,
  enabled,
  appRoles,
}: z.infer<typeof appAnswer>) => ({
  id,
  idUri,
  requestedAccessTokenVersion,
  assignmentRequired,
  assertionReplay,
  enabled,
  appRoles: appRoles.map(({ value }) => value),
})

const grantBody = z.strictObject({
  resource: z
    .string()
    .meta({ description: 'Id, App ID URI or name of the application that offers the role' }),
  role: z.string(),
})
const grantAnswer = z.object({
  app: z.object({ id: z.string(), name: z.string() }),
  resource: z.object({ id: z.string(), name: z.string() }),
  role: z.string(),
})

const showGrant = ({ application, resource, role }: Granted): z.infer<typeof grantAnswer> => ({
  app: { id: application.clientId, name: application.name },
  resource: { id: resource.clientId, name: resource.name },
  role: role.value,
})

/** Applications (Microsoft Entra): `:app` is an id or a name. */
export const appRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/apps',
    summary: 'List applications',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    answer: z.object({ apps: z.array(appAnswer) }),
    async handle({ tenant }, services) {
      const found = await services.store.read.applications.list(tenant.id)
      return { apps: await showApplications(found, tenant, services) }
    },
  }),
  route({
    method: 'POST',
    path: '/apps',
    summary: 'Register an application',
    roles: ['CredentialsEdit'],
    body: z.strictObject({
      name: z.string(),
      id: z.string().optional().meta({ description: 'Client id, a GUID; made up where not given' }),
      ...settings,
    }),
    answer: appAnswer,
    status: 201,
    async handle({ tenant, body }, services) {
      const made = await registerApplication(tenant, { ...body, ...named(body) }, services)
      return isProblem(made) ? made : showApplication(made, tenant, services)
    },
    audit: auditApp,
  }),
  route({
    method: 'GET',
    path: '/apps/:app',
    summary: 'Show an application, without its secrets',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofApp,
    answer: appAnswer,
    async handle({ tenant, parameters }, services) {
      const found = await findApplication(tenant, parameters.app, services)
      return isProblem(found) ? found : showApplication(found, tenant, services)
    },
  }),
  route({
    method: 'PATCH',
    path: '/apps/:app',
    summary: 'Change an application; app roles that are not named any more go, with their grants',
    roles: ['CredentialsEdit'],
    parameters: ofApp,
    body: z.strictObject({
      name: z.string().optional(),
      enabled: z.boolean().optional(),
      ...settings,
      idUri: z.string().nullable().optional(),
    }),
    answer: appAnswer,
    async handle({ tenant, parameters, body: { enabled, ...body } }, services) {
      const disabled = enabled === undefined ? undefined : !enabled
      const changed = await updateApplication(
        tenant,
        parameters.app,
        { ...named(body), name: body.name, idUri: body.idUri, disabled },
        services,
      )
      return isProblem(changed) ? changed : showApplication(changed, tenant, services)
    },
    audit: auditApp,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:app',
    summary: 'Delete an application with its credentials, its roles and all grants of them',
    roles: ['CredentialsEdit'],
    parameters: ofApp,
    status: 204,
    handle: ({ tenant, parameters }, services) => deleteApplication(tenant, parameters.app, services),
  }),
  route({
    method: 'POST',
    path: '/apps/:app/certificates',
    summary: 'Add a certificate whose key may sign assertions; all of them count, each until it ends',
    roles: ['CredentialsEdit'],
    parameters: ofApp,
    body: z.strictObject({
      certificate: z.string().meta({ description: 'PEM, or base64 of DER' }),
    }),
    answer: certificateAnswer,
    status: 201,
    async handle({ tenant, parameters, body }, services) {
      const added = await addCertificate(tenant, parameters.app, body.certificate, services)
      return isProblem(added) ? added : showCertificate(added, services.context.now())
    },
    audit: ({ thumbprint, thumbprintSha256, subject, endDate }) => ({
      thumbprint,
      thumbprintSha256,
      subject,
      endDate,
    }),
  }),
  route({
    method: 'DELETE',
    path: '/apps/:app/certificates/:thumbprint',
    summary:
      'Remove a certificate, named by either thumbprint; what it has signed is refused from the next request on',
    roles: ['CredentialsEdit'],
    parameters: ofApp.extend({ thumbprint: z.string() }),
    status: 204,
    handle: ({ tenant, parameters }, services) =>
      removeCertificate(tenant, parameters.app, parameters.thumbprint, services),
  }),
  route({
    method: 'POST',
    path: '/apps/:app/secrets',
    summary: 'Make another secret; it is in this answer and nowhere else',
    roles: ['CredentialsEdit'],
    parameters: ofApp,
    body: z
      .strictObject({
        validityDays: z
          .int()
          .min(1)
          .max(3650)
          .optional()
          .meta({ description: 'Without it, the secret does not expire' }),
      })
      .prefault({}),
    answer: secretAnswer.extend({
      clientid: z.string(),
      clientsecret: z.string(),
      tokenurl: z.string(),
    }),
    status: 201,
    async handle({ tenant, parameters, body }, services) {
      const made = await addSecret(tenant, parameters.app, body, services)
      if (isProblem(made)) return made
      return {
        ...showSecret(made.info, services.context.now()),
        clientid: made.application.clientId,
        clientsecret: made.secret,
        tokenurl: `${services.addresses.directory(tenant.guid)}/oauth2/v2.0/token`,
      }
    },
    audit: ({ id, expiresAt }) => ({ secretId: id, expiresAt }),
  }),
  route({
    method: 'DELETE',
    path: '/apps/:app/secrets/:secret',
    summary: 'Remove a secret, named by its id; it is refused from the next request on',
    roles: ['CredentialsEdit'],
    parameters: ofApp.extend({ secret: z.string() }),
    status: 204,
    handle: ({ tenant, parameters }, services) =>
      removeSecret(tenant, parameters.app, parameters.secret, services),
  }),
  route({
    method: 'POST',
    path: '/apps/:app/grants',
    summary: 'Grant an app role of another application, as an administrator consents to it',
    roles: ['UserRolesEdit'],
    parameters: ofApp,
    body: grantBody,
    answer: grantAnswer,
    status: 201,
    async handle({ tenant, parameters, body }, services) {
      const granted = await grantRole(tenant, { application: parameters.app, ...body }, services)
      return isProblem(granted) ? granted : showGrant(granted)
    },
    audit: ({ resource, role }) => ({ resource: `${resource.id} ${resource.name}`, role }),
  }),
  route({
    method: 'POST',
    path: '/apps/:app/grants/revocation',
    summary: 'Take an app role back; tokens that are out keep it until they expire',
    roles: ['UserRolesEdit'],
    parameters: ofApp,
    body: grantBody,
    answer: grantAnswer,
    async handle({ tenant, parameters, body }, services) {
      const revoked = await revokeGrant(tenant, { application: parameters.app, ...body }, services)
      return isProblem(revoked) ? revoked : showGrant(revoked)
    },
    audit: ({ resource, role }) => ({ resource: `${resource.id} ${resource.name}`, role }),
  }),
]
