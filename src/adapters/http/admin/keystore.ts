import { z } from 'zod'
import { neededByFlows } from '../../../core/flows/index.ts'
import {
  createEntry,
  deleteEntry,
  findEntry,
  importEntry,
  inspectCertificate,
  inspectEntry,
  type KeystoreEntry,
  keystoreLimits,
  renameEntry,
  replaceChain,
  signingRequest,
  warningsFor,
} from '../../../core/keystore/index.ts'
import { isProblem } from '../../../core/problem.ts'
import { keyLengths } from '../../../crypto/key-pair.ts'
import { encodePem } from '../../../crypto/pem.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

const ofEntry = z.object({ alias: z.string() })
const readers = ['MonitoringDataRead', 'CredentialsRead', 'SecurityMaterialEdit'] as const

const certificateMembers = {
  subject: z.string(),
  issuer: z.string(),
  serialNumber: z.string().meta({ description: 'Hexadecimal' }),
  algorithm: z.string().meta({ description: 'Of the public key, with its size or curve' }),
  fingerprint: z.string().meta({ description: 'SHA-256 of the certificate, hexadecimal' }),
  notBefore: time,
  notAfter: time,
}

const entryAnswer = z.object({
  alias: z.string(),
  kind: z.enum(['key-pair', 'certificate']),
  ...certificateMembers,
  state: z
    .enum(['expired', '3d', '14d', '30d', '60d', 'valid', 'not yet valid'])
    .meta({ description: 'How near the end is: within so many days' }),
  certificates: z.int().meta({ description: 'How many the chain has' }),
  createdAt: time,
  updatedAt: time,
})
const changedAnswer = entryAnswer.extend({ warnings: z.array(z.string()).optional() })
const wholeAnswer = entryAnswer.extend({
  chain: z
    .array(z.object({ ...certificateMembers, pem: z.string() }))
    .meta({ description: 'The certificate of the entry first, each signed by the next' }),
})

function show(entry: KeystoreEntry, { context }: Services): z.infer<typeof entryAnswer> {
  const { notBefore, notAfter, createdAt, updatedAt, ...rest } = inspectEntry(entry, context.now())
  return {
    ...rest,
    notBefore: iso(notBefore),
    notAfter: iso(notAfter),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  }
}

function showChanged(entry: KeystoreEntry, services: Services, note?: string): z.infer<typeof changedAnswer> {
  const warnings = [...(note === undefined ? [] : [note]), ...warningsFor(entry, services.context.now())]
  return { ...show(entry, services), ...(warnings.length > 0 && { warnings }) }
}

function showWhole(entry: KeystoreEntry, services: Services): z.infer<typeof wholeAnswer> {
  const chain = entry.chain.map(der => {
    const { notBefore, notAfter, ...rest } = inspectCertificate(der)
    return {
      ...rest,
      notBefore: iso(notBefore),
      notAfter: iso(notAfter),
      pem: encodePem('CERTIFICATE', der),
    }
  })
  return { ...show(entry, services), chain }
}

const audit = ({ alias, kind, subject, issuer, fingerprint, notAfter }: z.infer<typeof entryAnswer>) => ({
  alias,
  kind,
  subject,
  issuer,
  fingerprint,
  notAfter,
})

/** The keystore. No operation gives a private key away. */
export const keystoreRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/keystore',
    summary: 'List the keystore',
    roles: readers,
    answer: z.object({ entries: z.array(entryAnswer) }),
    async handle({ tenant }, services) {
      const entries = await services.store.read.keystore.list(tenant.id)
      return { entries: entries.map(entry => show(entry, services)) }
    },
  }),
  route({
    method: 'POST',
    path: '/keystore',
    summary: 'Make a key pair with a certificate that it signs itself',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      alias: z.string(),
      subject: z
        .string()
        .optional()
        .meta({ description: 'As in RFC 4514: CN=erp,O=Example; CN=ALIAS where not given' }),
      keyLength: z
        .literal(keyLengths, `must be one of ${keyLengths.join(', ')}`)
        .optional()
        .meta({ description: '2048 (where not given), 3072, 4096: RSA; 256, 384: P-256, P-384' }),
      validityDays: z
        .int()
        .min(1)
        .max(keystoreLimits.longestDays)
        .optional()
        .meta({ description: '1095 where not given' }),
    }),
    answer: changedAnswer,
    status: 201,
    async handle({ tenant, body: { alias, ...wanted } }, services) {
      const made = await createEntry(tenant, alias, wanted, services)
      return isProblem(made) ? made : showChanged(made, services)
    },
    audit,
  }),
  route({
    method: 'POST',
    path: '/keystore/import',
    summary: 'Import a key pair, or certificates alone',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      alias: z.string(),
      file: z.string().meta({ description: 'PEM; or base64 of a file of any form' }),
      passphrase: z.string().optional().meta({ description: 'Where the private key is encrypted' }),
      entry: z.string().optional().meta({ description: 'The name in the file, where it holds several' }),
      allowNoMac: z
        .boolean()
        .optional()
        .meta({ description: 'Read a PKCS#12 file without a MAC, which anybody could have changed' }),
      replace: z.boolean().optional().meta({ description: 'Put it in the place of the entry of that alias' }),
    }),
    answer: changedAnswer,
    status: 201,
    async handle({ tenant, body: { alias, ...file } }, services) {
      const imported = await importEntry(tenant, alias, file, services)
      return isProblem(imported) ? imported : showChanged(imported.entry, services, imported.note)
    },
    audit: (answer, { allowNoMac }) => ({ ...audit(answer), ...(allowNoMac && { allowNoMac }) }),
  }),
  route({
    method: 'GET',
    path: '/keystore/:alias',
    summary: 'Show an entry with its certificates',
    roles: readers,
    parameters: ofEntry,
    answer: wholeAnswer,
    async handle({ tenant, parameters }, services) {
      const found = await findEntry(tenant, parameters.alias, services)
      return isProblem(found) ? found : showWhole(found, services)
    },
  }),
  route({
    method: 'GET',
    path: '/keystore/:alias/signing-request',
    summary: 'A signing request (PKCS#10) for the key of an entry, with the names of its certificate',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    parameters: ofEntry,
    answer: z.object({ csr: z.string().meta({ description: 'PEM' }) }),
    async handle({ tenant, parameters }, services) {
      const csr = await signingRequest(tenant, parameters.alias, services)
      return isProblem(csr) ? csr : { csr }
    },
  }),
  route({
    method: 'POST',
    path: '/keystore/:alias/chain',
    summary:
      'Take the signed certificate of an entry, with those of its issuers, in the place of the one before',
    roles: ['SecurityMaterialEdit'],
    parameters: ofEntry,
    body: z.strictObject({
      certificates: z.string().meta({ description: 'PEM, in any order; or base64 of one in DER' }),
    }),
    answer: changedAnswer,
    async handle({ tenant, parameters, body }, services) {
      const changed = await replaceChain(tenant, parameters.alias, body.certificates, services)
      return isProblem(changed) ? changed : showChanged(changed, services)
    },
    audit,
  }),
  route({
    method: 'PATCH',
    path: '/keystore/:alias',
    summary: 'Rename an entry; what uses it goes on using it',
    roles: ['SecurityMaterialEdit'],
    parameters: ofEntry,
    body: z.strictObject({ alias: z.string() }),
    answer: entryAnswer,
    async handle({ tenant, parameters, body }, services) {
      const needed = await neededByFlows(tenant, parameters.alias, services)
      const renamed = needed ?? (await renameEntry(tenant, parameters.alias, body.alias, services))
      return isProblem(renamed) ? renamed : show(renamed, services)
    },
    audit: ({ alias }) => ({ alias }),
  }),
  route({
    method: 'DELETE',
    path: '/keystore/:alias',
    summary: 'Delete an entry with its private key, of which there is no copy',
    roles: ['SecurityMaterialEdit'],
    parameters: ofEntry,
    status: 204,
    handle: async ({ tenant, parameters: { alias } }, services) =>
      (await neededByFlows(tenant, alias, services)) ?? deleteEntry(tenant, alias, services),
  }),
]
