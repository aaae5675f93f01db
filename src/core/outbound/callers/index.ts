import type { SecurityMaterial } from '../../material/index.ts'
import type { Caller, CallerContext } from './caller.ts'
import { oauth2Caller } from './oauth2-client-credentials.ts'
import { userCaller } from './user.ts'

/** THE LIST of types of security material that receivers are called with; undefined: not with this one. */
export function callerOf(material: SecurityMaterial, deps: CallerContext): Caller | undefined {
  switch (material.type) {
    case 'user':
      return userCaller(material)
    case 'oauth2-client-credentials':
      return oauth2Caller(material, deps)
    case 'secure-parameter':
      return undefined
  }
}

/** Can receivers be called with material of this type? */
export const carries = ({ type }: Pick<SecurityMaterial, 'type'>): boolean => type !== 'secure-parameter'
