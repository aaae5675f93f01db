import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Variable, variables, withoutEffect } from '../../src/app/camunda/variables/index.ts'

/** The two tables of docs/camunda-configuration.md, as they follow from the code. */
export function tables(): { readonly withEffect: string; readonly without: string } {
  const rows = Object.values(variables).map(
    variable =>
      `| ${variable.names.map(name => `\`${name}\``).join('<br>')}${kinds(variable)} | ${cell(variable.does)} |`,
  )
  return {
    withEffect: ['| variable | what it does here |', '|---|---|', ...rows].join('\n'),
    without: [
      '| variable | read, of no effect here, because |',
      '|---|---|',
      ...withoutEffect.map(({ name, because }) => `| \`${name}\` | ${cell(because)} |`),
    ].join('\n'),
  }
}

const kinds = ({ list, secret }: Variable) => (list ? ' (list)' : secret ? ' (secret)' : '')
const cell = (text: string) => text.replaceAll('|', '\\|')

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/camunda/${name}`, import.meta.url), 'utf8')

/** The described configurations, each as a process would find it in its environment. */
export const describedEnvironments = {
  compose: (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(parse(fixture('compose.yaml')).identity.environment).map(([name, value]) => [
        name,
        String(value),
      ]),
    ),
  /** `secrets`: what the references lead to, by key. */
  helm: (secrets: Readonly<Record<string, string>>): Record<string, string> => {
    const list: { name: string; value?: string; valueFrom?: { secretKeyRef: { key: string } } }[] = parse(
      fixture('helm.yaml'),
    ).identity.env
    return Object.fromEntries(
      list.map(({ name, value, valueFrom }) => [name, value ?? secrets[valueFrom!.secretKeyRef.key]!]),
    )
  },
  manual: (): Record<string, string> => assignments(fixture('manual.sh')),
  mtls: (): Record<string, string> => assignments(fixture('mtls.env')),
}

const assignments = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^(?:export )?(\w+)=(?:"(.*)"|(.*))$/gm)].map(([, name, quoted, plain]) => [
      name!,
      quoted ?? plain!,
    ]),
  )
