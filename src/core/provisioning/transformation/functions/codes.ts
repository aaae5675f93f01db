import { iso31661, iso31662 } from 'iso-3166'
import { isObject, type Json, member } from '../json.ts'
import { asText } from '../text.ts'
import { mappingFunction, memberName, memberNames, oneOf, textFrom, type Value } from './function.ts'
import { zonesOfCode } from './zones.ts'

interface Country {
  readonly fullName: string
  readonly alpha2: string
  readonly alpha3: string
  readonly numeric: string
}

/** What is made when it is first asked for: most processes never convert a code. */
function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const countries = once((): ReadonlyMap<string, Country> => {
  const englishNames = new Intl.DisplayNames(['en'], { type: 'region' })
  return new Map(
    iso31661.flatMap(({ alpha2, alpha3, numeric, name }) => {
      const fullName = englishNames.of(alpha2) ?? name
      const country = { fullName, alpha2, alpha3, numeric }
      return [alpha2, alpha3, numeric, fullName, name].map(known => [known.toUpperCase(), country] as const)
    }),
  )
})

function countryOf(value: Json | undefined): Country | undefined {
  const written = asText(value)?.trim().toUpperCase()
  return written === undefined
    ? undefined
    : countries().get(/^\d+$/.test(written) ? written.padStart(3, '0') : written)
}

/** A country (ISO 3166-1) in another form. One that nobody knows stays as it is. */
export const convertCountryCode = mappingFunction({
  name: 'convertCountryCode',
  parameters: {
    outputFormat: oneOf(['fullName', 'alpha2', 'alpha3', 'numeric']),
    inputAttributes: memberNames,
    outputAttribute: memberName,
  },
  apply: (value, { outputFormat, inputAttributes, outputAttribute }) => {
    if (!isObject(value)) return countryOf(textFrom(value))?.[outputFormat] ?? value
    const country = inputAttributes
      .map(name => countryOf(member(value, name)))
      .find(found => found !== undefined)
    return country ? { ...value, [outputAttribute]: country[outputFormat] } : value
  },
})

interface Region {
  readonly alpha2: string
  readonly fullName: string
}
const regions = once(
  (): ReadonlyMap<string, Region> =>
    new Map(
      iso31662.flatMap(({ code, name }) => {
        const region = { alpha2: code, fullName: name }
        return [code, `${code.slice(0, 2)}-${name}`].map(known => [known.toUpperCase(), region] as const)
      }),
    ),
)

/** A region of a country (ISO 3166-2) in another form. One that nobody knows stays as it is. */
export const convertCountryRegion = mappingFunction({
  name: 'convertCountryRegion',
  parameters: {
    outputFormat: oneOf(['fullName', 'alpha2']),
    inputAttributes: memberNames,
    outputAttribute: memberName,
  },
  apply: (value, { outputFormat, inputAttributes, outputAttribute }) => {
    if (!isObject(value)) return regions().get(textFrom(value).toUpperCase())?.[outputFormat] ?? value
    const attribute = (name: string) =>
      inputAttributes.includes(name) ? asText(member(value, name))?.trim() : undefined
    const written = attribute('region')?.toUpperCase()
    const country = countryOf(attribute('country'))
    const region = regions().get(`${country?.alpha2}-${written}`) ?? regions().get(`${written}`)
    return region ? { ...value, [outputAttribute]: region[outputFormat] } : value
  },
})

/** A locale as BCP 47 with a country, or as the upper-case language of ISO 639. Without a country of its own: English. */
export const convertLocaleCode = mappingFunction({
  name: 'convertLocaleCode',
  parameters: { outputFormat: oneOf(['bcp47', 'iso639']) },
  apply: (value, { outputFormat }) => {
    const { language, region } = localeOf(textFrom(value))
    return outputFormat === 'bcp47' ? `${language}-${region}` : language.toUpperCase()
  },
})

const english = { language: 'en', region: 'US' }

function localeOf(written: string): { language: string; region: string } {
  if (!/^[A-Za-z]{2}(?:[_-][A-Za-z]{4})?(?:[_-](?:[A-Za-z]{2}|\d{3}))?$/.test(written)) return english
  const { language, region } = new Intl.Locale(written.replaceAll('_', '-')).maximize()
  return region !== undefined && countries().has(region) && language.length === 2
    ? { language, region }
    : english
}

const zonesByCode = once(() =>
  Object.entries(zonesOfCode).map(([code, zones]) => [code, zones.split(' ')] as const),
)
const zoneOf = once(() => new Map(zonesByCode().map(([code, zones]) => [code, zones[0]!])))
/** Of the codes that name a zone, the first wins, which a map keeps if it comes last. */
const codeOf = once(
  () =>
    new Map(
      zonesByCode()
        .toReversed()
        .flatMap(([code, zones]) => zones.map(zone => [zone, code])),
    ),
)

/** A time zone by its name in the IANA database, or by the code that SAP systems use. */
export const convertTimezoneCode = mappingFunction({
  name: 'convertTimezoneCode',
  parameters: { outputFormat: oneOf(['iana', 'sap']) },
  startsFromNothing: true,
  apply: (value, { outputFormat }) => {
    const written = zoneText(value)
    return outputFormat === 'iana'
      ? codeOf().has(written)
        ? written
        : (zoneOf().get(written) ?? 'Europe/Berlin')
      : zoneOf().has(written)
        ? written
        : (codeOf().get(written) ?? 'CET')
  },
})

function zoneText(value: Value | undefined): string {
  return value === undefined || value === null ? '' : textFrom(value)
}
