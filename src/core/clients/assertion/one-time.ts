import { hash } from 'node:crypto'
import type { DecodedJwt } from '../../../crypto/jwt.ts'
import { type Context, clockSkewMs } from '../../context.ts'
import { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { type Client, subjectOf } from '../client.ts'

/**
 * Ids that count once (`jti`, RFC 7523 section 3): shared by all processes and nodes, and kept over restarts until the
 * assertion that carried them has expired by itself.
 */
export interface OneTimeIds {
  /** Is this the first use? Of several at once, one is. Resolves when the id is written. Rejects when it cannot be. */
  claim(id: string, keepUntil: number): Promise<boolean>
}

/** Was this jti of this client seen before? Fails closed: what cannot be written down is not accepted. */
export async function isReplayed(
  { claims }: DecodedJwt,
  { credentialId, ...client }: Client,
  { oneTime, context }: { readonly oneTime: OneTimeIds; readonly context: Pick<Context, 'log'> },
): Promise<boolean | Problem> {
  // Dates may have fractions (RFC 7519 section 2); what is stored is whole milliseconds.
  const keepUntil = Math.ceil((claims.exp as number) * 1000) + 2 * clockSkewMs
  // Digested: of one length, and without the characters that a database cannot store.
  const id = hash('sha256', `${credentialId} ${String(claims.jti)}`, 'base64url')
  try {
    return !(await oneTime.claim(id, keepUntil))
  } catch (error) {
    context.log.error({ error: (error as Error).message }, 'a one-time id could not be written')
    return new Problem('unavailable', 'temporarily unavailable', {
      check: 'client credential',
      reason:
        'the jti of the assertion could not be written down, so nobody knows whether it was used before',
      hint: 'Is the database up, and has the disk room?',
      subject: subjectOf({ credentialId, ...client }),
    })
  }
}

/** Where a client may send an assertion again, the log says that it did. */
export function reportReplay(
  { claims }: DecodedJwt,
  { clientId }: Client,
  { name }: Pick<Tenant, 'name'>,
  { context }: { readonly context: Pick<Context, 'log'> },
): void {
  context.log.info({ tenant: name, clientId, jti: String(claims.jti) }, 'a client assertion was used again')
}
