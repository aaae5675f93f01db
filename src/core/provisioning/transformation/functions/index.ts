import { convertCountryCode, convertCountryRegion, convertLocaleCode, convertTimezoneCode } from './codes.ts'
import { manipulateDate } from './dates.ts'
import { decode, encode } from './encoding.ts'
import { resolveEntityIds } from './entities.ts'
import type { MappingFunction } from './function.ts'
import { copyMapEntry, elementAt, putIfAbsent, putIfPresent, renameMapEntry } from './objects.ts'
import { randomPassword } from './passwords.ts'
import {
  getMatchedRegexGroup,
  matchRegex,
  replaceAllString,
  replaceFirstString,
  replaceLastString,
  replaceString,
} from './regexes.ts'
import {
  compositeId,
  concatString,
  splitStringToArray,
  substring,
  textOfValue,
  toLowerCaseString,
  toUpperCaseString,
} from './texts.ts'

/** THE LIST of functions of mappings. */
export const functions: readonly MappingFunction[] = [
  ...[concatString, compositeId, substring, splitStringToArray, textOfValue],
  ...[toUpperCaseString, toLowerCaseString, encode, decode],
  ...[matchRegex, getMatchedRegexGroup, replaceString],
  ...[replaceFirstString, replaceLastString, replaceAllString],
  ...[elementAt, copyMapEntry, renameMapEntry, putIfAbsent, putIfPresent],
  ...[convertCountryCode, convertCountryRegion, convertLocaleCode, convertTimezoneCode],
  ...[manipulateDate, randomPassword, resolveEntityIds],
]
