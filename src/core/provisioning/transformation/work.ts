import { isList, isObject, isSafeName, type Json } from './json.ts'

/**
 * This entity cannot be mapped, and why. Thrown where it is found out and caught in one place, `applyTransformation`,
 * which makes an outcome of it: nobody outside ever sees it.
 */
export class Unmappable extends Error {}

/** The work that one entity may cost, in values looked at and characters read: about a second of it. */
export const workOfEntity = 20_000_000

/** Counts the work done for an entity, so that no transformation runs for ever. */
export class Work {
  #left: number

  constructor(left: number = workOfEntity) {
    this.#left = left
  }

  /** @throws Unmappable when more work was done than an entity may cost. */
  spend(amount: number): void {
    this.#left -= amount
    if (this.#left < 0) throw new Unmappable('the transformation takes too long for this entity')
  }
}

/** A list or object that is being made. */
export type Draft = Draft[] | { [name: string]: Draft } | null | boolean | number | string | undefined

/** A value that is made stays in memory, one that is looked at does not. */
const costOfCopy = 4

/** A copy that belongs to the caller, without names that are not safe. */
export function copy(value: Json, work: Work): Draft {
  work.spend(costOfCopy)
  if (isList(value)) return value.map(item => copy(item, work))
  if (value instanceof Uint8Array)
    throw new Unmappable('there are bytes, write the function toString behind decode')
  if (!isObject(value)) return value
  const made: { [name: string]: Draft } = {}
  for (const name in value)
    if (Object.hasOwn(value, name) && isSafeName(name) && value[name] !== undefined)
      made[name] = copy(value[name]!, work)
  return made
}

/** The longest text that a transformation makes. */
export const maxText = 1_000_000

/** The text, if it is not too long. @throws Unmappable */
export function boundedText(text: string, work: Work): string {
  work.spend(text.length)
  if (text.length > maxText) throw new Unmappable(`a text is longer than ${maxText} characters`)
  return text
}
