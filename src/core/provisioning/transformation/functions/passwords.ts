import type { JsonObject } from '../json.ts'
import { Unmappable } from '../work.ts'
import { mappingFunction, optional, text, whole } from './function.ts'

const lowercase = 'abcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'
const usualSymbols = '~!@#$%^&*()_+'
const count = whole(0, 256)

export const randomPassword = mappingFunction({
  name: 'randomPassword',
  parameters: {
    passwordLength: whole(1, 256),
    minimumNumberOfLowercaseLetters: count,
    minimumNumberOfUppercaseLetters: count,
    minimumNumberOfDigits: count,
    minimumNumberOfSpecialSymbols: count,
    specialSymbols: optional(text, usualSymbols),
  },
  startsFromNothing: true,
  wrong: given => tooMany(given) ?? unusedSymbols(given),
  apply: (_, given, { random }) => {
    const wanted: (readonly [characters: string, least: number])[] = [
      [lowercase, given.minimumNumberOfLowercaseLetters],
      [lowercase.toUpperCase(), given.minimumNumberOfUppercaseLetters],
      [digits, given.minimumNumberOfDigits],
      [given.specialSymbols, given.minimumNumberOfSpecialSymbols],
    ]
    const sets = wanted.filter(([, least]) => least > 0)
    const any = sets.map(([characters]) => characters).join('')
    if (sets.some(([characters]) => characters === '')) throw new Unmappable('there are no special symbols')
    const picked = sets.flatMap(([characters, least]) => pick(characters, least, random))
    return shuffled([...picked, ...pick(any, given.passwordLength - picked.length, random)], random).join('')
  },
})

const minimums = [
  'minimumNumberOfLowercaseLetters',
  'minimumNumberOfUppercaseLetters',
  'minimumNumberOfDigits',
  'minimumNumberOfSpecialSymbols',
]

function tooMany(given: JsonObject): string | undefined {
  const least = minimums.reduce((sum, name) => sum + Number(given[name]), 0)
  if (least === 0) return 'no kind of character is wanted'
  return least > Number(given.passwordLength) ? 'more characters are wanted than passwordLength' : undefined
}

function unusedSymbols(given: JsonObject): string | undefined {
  return given.specialSymbols !== undefined && Number(given.minimumNumberOfSpecialSymbols) === 0
    ? 'specialSymbols are given and none is wanted'
    : undefined
}

type Random = (bytes: number) => Uint8Array

function pick(characters: string, count: number, random: Random): string[] {
  const all = [...characters]
  return Array.from({ length: count }, () => all[below(all.length, random)]!)
}

function shuffled(items: string[], random: Random): string[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = below(at + 1, random)
    ;[items[at], items[other]] = [items[other]!, items[at]!]
  }
  return items
}

/** A number below `limit` (65536 at most), each as likely as the others. */
function below(limit: number, random: Random): number {
  const fair = 65536 - (65536 % limit)
  for (let tries = 0; tries < 1000; tries++) {
    const [high = 0, low = 0] = random(2)
    const value = high * 256 + low
    if (value < fair) return value % limit
  }
  throw new Unmappable('the source of random bytes gives none')
}
