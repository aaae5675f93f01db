import { maxText, Unmappable } from '../work.ts'
import { mappingFunction, optional, text, textFrom, textOrPath, whole } from './function.ts'

export const concatString = mappingFunction({
  name: 'concatString',
  parameters: { prefix: optional(text, ''), suffix: optional(text, '') },
  apply: (value, { prefix, suffix }) => `${prefix}${textFrom(value)}${suffix}`,
})

export const compositeId = mappingFunction({
  name: 'compositeId',
  parameters: { separator: optional(text, ':'), subId: textOrPath },
  apply: (value, { separator, subId }) => `${textFrom(value)}${separator}${subId}`,
})

export const substring = mappingFunction({
  name: 'substring',
  parameters: { beginIndex: whole(0, maxText), endIndex: optional(whole(0, maxText)) },
  wrong: ({ beginIndex, endIndex }) =>
    endIndex !== undefined && Number(endIndex) < Number(beginIndex)
      ? 'endIndex is less than beginIndex'
      : undefined,
  apply: (value, { beginIndex, endIndex }) => textFrom(value).slice(beginIndex, endIndex),
})

export const splitStringToArray = mappingFunction({
  name: 'splitStringToArray',
  parameters: { separator: text },
  apply: (value, { separator }) => {
    if (separator === '') throw new Unmappable('the separator is empty')
    return textFrom(value).split(separator)
  },
})

export const textOfValue = mappingFunction({
  name: 'toString',
  parameters: {},
  apply: value => textFrom(value),
})

export const toUpperCaseString = mappingFunction({
  name: 'toUpperCaseString',
  parameters: { locale: optional(text, 'en_EN') },
  apply: (value, { locale }) => textFrom(value).toLocaleUpperCase(languageTag(locale)),
})

export const toLowerCaseString = mappingFunction({
  name: 'toLowerCaseString',
  parameters: { locale: optional(text, 'en_EN') },
  apply: (value, { locale }) => textFrom(value).toLocaleLowerCase(languageTag(locale)),
})

/** `de_DE`, as Java writes it, for BCP 47. @throws Unmappable for what is no locale */
function languageTag(locale: string): string {
  if (/^[A-Za-z]{2,3}(?:[_-][A-Za-z]{4})?(?:[_-](?:[A-Za-z]{2}|\d{3}))?$/.test(locale))
    return locale.replaceAll('_', '-')
  throw new Unmappable('the locale is none such as de_DE')
}
