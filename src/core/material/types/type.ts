import type { z } from 'zod'

/**
 * A type of security material. To add one: a file, and a line in the list of `index.ts`. `schema` refuses what can be
 * refused when it is created; a member `keystoreAlias` names an entry of the keystore that holds a private key.
 */
export interface MaterialType<Name extends string = string, Schema extends z.ZodType = z.ZodType> {
  /** As written on the command line. */
  readonly name: Name
  readonly schema: Schema
  /** What everybody may see who may read credentials: nothing that is secret, by name, so that nothing new gets in. */
  show(content: z.infer<Schema>): Readonly<Record<string, unknown>>
}

/** Keeps name and schema for whoever uses the material. */
export const materialType = <const Name extends string, Schema extends z.ZodType>(
  type: MaterialType<Name, Schema>,
): MaterialType<Name, Schema> => type
