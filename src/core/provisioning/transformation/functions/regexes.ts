import { matchedGroup, matches, replaced } from '../pattern.ts'
import { boundedText, maxText, Unmappable } from '../work.ts'
import { mappingFunction, regex, text, textFrom, whole } from './function.ts'

export const matchRegex = mappingFunction({
  name: 'matchRegex',
  parameters: { regex },
  apply: (value, given, scope) => matches(given.regex, textFrom(value), scope),
})

export const getMatchedRegexGroup = mappingFunction({
  name: 'getMatchedRegexGroup',
  parameters: { regex, groupIndex: whole(0, 100) },
  apply: (value, given, scope) => matchedGroup(given.regex, textFrom(value), given.groupIndex, scope),
})

/** Replaces every occurrence of a text: no regular expression. */
export const replaceString = mappingFunction({
  name: 'replaceString',
  parameters: { target: text, replacement: text },
  apply: (value, { target, replacement }, scope) => {
    if (target === '') throw new Unmappable('the target is empty')
    const pieces = textFrom(value).split(target)
    if (pieces.length * replacement.length > 2 * maxText)
      throw new Unmappable(`a text is longer than ${maxText} characters`)
    return boundedText(pieces.join(replacement), scope.work)
  },
})

export const replaceFirstString = replacing('replaceFirstString', 'first')
export const replaceLastString = replacing('replaceLastString', 'last')
export const replaceAllString = replacing('replaceAllString', 'all')

function replacing(name: string, which: 'first' | 'last' | 'all') {
  return mappingFunction({
    name,
    parameters: { regex, replacement: text },
    apply: (value, { regex, replacement }, scope) =>
      replaced(which, regex, textFrom(value), replacement, scope),
  })
}
