import type { z } from 'zod'
import { oauth2ClientCredentials } from './oauth2-client-credentials.ts'
import { secureParameter } from './secure-parameter.ts'
import type { MaterialType } from './type.ts'
import { user } from './user.ts'

/** THE LIST of types of security material. */
export const materialTypes = [oauth2ClientCredentials, user, secureParameter] as const

type Listed = (typeof materialTypes)[number]
export type MaterialTypeName = Listed['name']

/** A type with what material of it holds. */
export type TypedContent = {
  [Name in MaterialTypeName]: {
    readonly type: Name
    readonly content: z.infer<Extract<Listed, { name: Name }>['schema']>
  }
}[MaterialTypeName]

export function typeNamed(name: string): MaterialType | undefined {
  return materialTypes.find(type => type.name === name) as MaterialType | undefined
}
