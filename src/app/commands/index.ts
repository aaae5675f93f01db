import type { CommandEntry } from './support/command.ts'

/** THE LIST of commands, in the order of the help. A new one is a file here and a line below. */
export const commands: readonly CommandEntry[] = [
  entry('serve', 'Run the server', () => import('./serve.ts')),
  entry('admin', "Replace or remove the administrator's key", () => import('./admin.ts')),
  entry('master-key', 'The key that wraps all other keys', () => import('./master-key.ts')),
  entry('tenant', 'Isolated customers, each with an issuer and keys of its own', () => import('./tenant.ts')),
  entry(
    'signing-key',
    'The keys that sign and seal the tokens of a tenant',
    () => import('./signing-key.ts'),
  ),
  entry('role', 'What integration flows ask of their callers', () => import('./role.ts')),
  entry(
    'instance',
    'Service instances: roles and tokens that their keys share',
    () => import('./instance.ts'),
  ),
  entry('key', 'Service keys: the credentials of senders', () => import('./key.ts')),
  entry(
    'client',
    'Registered clients (SAP Neo): a chosen id, and a user who is given roles',
    () => import('./client.ts'),
  ),
  entry(
    'app',
    'Applications as in Microsoft Entra: certificates, secrets, app roles and grants',
    () => import('./app.ts'),
  ),
  entry('trust', 'Roots that are accepted from senders', () => import('./trust.ts')),
  entry('authority', 'What issues certificates to senders, and revokes them', () => import('./authority.ts')),
  entry('keystore', 'Key pairs and certificates for calling others', () => import('./keystore.ts')),
  entry(
    'material',
    'Credentials for calling others: OAuth clients, users, secrets',
    () => import('./material.ts'),
  ),
  entry(
    'connectivity-test',
    'Try a TLS connection to another system, step by step',
    () => import('./connectivity-test.ts'),
  ),
  entry(
    'provisioning',
    'Bring users and groups from one system into others, with certificates and jobs',
    () => import('./provisioning/index.ts'),
  ),
  entry('flow', 'Integration flows and their messages', () => import('./flow.ts')),
  entry('token', 'Get an access token, as a sender would', () => import('./token.ts')),
  entry('call', 'Call an address, as a sender would', () => import('./call.ts')),
  entry('explain', 'Why a request was refused, or whether a token would be', () => import('./explain.ts')),
]

function entry(name: string, description: string, load: CommandEntry['load']): CommandEntry {
  return { name, description, load }
}
