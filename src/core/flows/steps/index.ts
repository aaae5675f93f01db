import type { z } from 'zod'
import { members } from '../../schema.ts'
import { removeHeader } from './remove-header.ts'
import { setHeader } from './set-header.ts'
import { setQuery } from './set-query.ts'
import type { Exchange, Step } from './step.ts'

export type { Exchange, Step } from './step.ts'

/** THE LIST of processing steps. */
export const steps: readonly Step[] = [setHeader, removeHeader, setQuery]

/** A step as it stands in the flow file: one member, the step's name, with what it is to do. */
export type StepEntry = Readonly<Record<string, unknown>>

const byName = new Map(steps.map(step => [step.name, step]))
const shape: Record<string, z.ZodType> = Object.fromEntries(
  steps.map(step => [step.name, step.schema.optional()]),
)

export const stepSchema: z.ZodType<StepEntry> = members(
  shape,
  'setHeader: { name: X-Source, value: erp }',
).superRefine((entry, check) => {
  const named = Object.keys(entry).length
  if (named === 1) return
  const message = `has ${named} members, write one step for each entry: ${[...byName.keys()].join(', ')}`
  check.addIssue({ code: 'custom', message })
})

/** All steps of a checked definition as one function, made once, when the flow is deployed. */
export function compileSteps(entries: readonly StepEntry[]): (exchange: Exchange) => Exchange {
  const run = entries.flatMap(entry =>
    Object.entries(entry).map(([name, config]) => {
      const step = byName.get(name)
      if (!step) throw new RangeError(`no such step: ${name}`)
      return (exchange: Exchange) => step.apply(exchange, config)
    }),
  )
  return exchange => run.reduce((current, apply) => apply(current), exchange)
}
