import type { SecurityMaterial } from '../../material/index.ts'
import type { Caller } from './caller.ts'

/** HTTP Basic, in UTF-8 (RFC 7617 section 2.1). */
export function userCaller({ content }: Extract<SecurityMaterial, { type: 'user' }>): Caller {
  const { user, password, companyId } = content
  const id = companyId === undefined ? user : `${user}@${companyId}`
  const authorization = `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`
  return { carry: () => ({ authorization }), close() {} }
}
