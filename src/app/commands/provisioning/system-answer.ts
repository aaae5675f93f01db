import { details, table } from '../../terminal/table.ts'
import { fullTime } from '../../terminal/time.ts'
import type { Cli } from '../support/command.ts'
import type { PropertyAnswer, TypeAnswer } from './properties.ts'

export interface SystemAnswer {
  readonly name: string
  readonly type: string
  readonly role: 'source' | 'target' | 'proxy'
  readonly properties: Readonly<Record<string, string>>
  readonly credentials: readonly string[]
  readonly missing: readonly string[]
  readonly ownReadTransformation: boolean
  readonly ownWriteTransformation: boolean
}

export type ShownSystem = SystemAnswer & {
  readonly everyMinutes: number | null
  readonly nextRunAt: string | null
}

export const showTypes = (types: readonly TypeAnswer[], { terminal }: Cli): string =>
  table(
    types,
    [
      { title: 'TYPE', cell: one => one.name },
      { title: 'SYSTEM', cell: one => one.title },
      { title: 'CAN BE', cell: one => one.roles.join(', ') },
    ],
    terminal.paint,
  )

export const showProperties = (properties: readonly PropertyAnswer[], { terminal }: Cli): string =>
  table(
    properties,
    [
      { title: 'PROPERTY', cell: one => one.name },
      { title: 'OF', cell: one => one.roles.join(', ') },
      { title: 'VALUES', cell: one => (one.credential ? '@FILE' : (one.values?.join(', ') ?? '')) },
      { title: 'MEANS', cell: one => one.description },
    ],
    terminal.paint,
  )

export const showSystems = (systems: readonly SystemAnswer[], { terminal }: Cli): string =>
  table(
    systems,
    [
      { title: 'NAME', cell: one => one.name },
      { title: 'TYPE', cell: one => one.type },
      { title: 'ROLE', cell: one => one.role },
      { title: 'TARGETS', cell: one => one.properties.targets ?? '' },
      { title: 'AUTHENTICATION', cell: one => one.properties.Authentication ?? '' },
      {
        title: 'MISSING',
        cell: one => one.missing.join(', '),
        colour: (_, paint) => paint.yellow,
      },
      { title: 'WHERE', cell: whereIs },
    ],
    terminal.paint,
  )

const whereIs = ({ properties }: SystemAnswer): string =>
  properties.URL ?? [properties['file.users'], properties['file.groups']].filter(Boolean).join(', ')

export function showSystem(system: ShownSystem, { terminal, now }: Cli): string {
  const { role, everyMinutes, nextRunAt } = system
  const transformation = (own: boolean) => (own ? 'its own' : 'that of the type')
  const facts = details(
    [
      ['System', system.name],
      ['Type', system.type],
      ['Role', role],
      ['Missing', system.missing.join(', '), terminal.paint.yellow],
      ['Read transformation', role === 'target' ? undefined : transformation(system.ownReadTransformation)],
      ['Write transformation', role === 'source' ? undefined : transformation(system.ownWriteTransformation)],
      [
        'Schedule',
        everyMinutes === null ? undefined : `every ${everyMinutes} min, next ${fullTime(nextRunAt, now())}`,
      ],
    ],
    terminal.paint,
  )
  const rows = [
    ...Object.entries(system.properties),
    ...system.credentials.map(name => [name, '(secret)'] as const),
  ]
  if (rows.length === 0) return facts
  const properties = table(
    rows.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      { title: 'PROPERTY', cell: ([name]) => name },
      { title: 'VALUE', cell: ([, value]) => value },
    ],
    terminal.paint,
  )
  return `${facts}\n${properties}`
}
