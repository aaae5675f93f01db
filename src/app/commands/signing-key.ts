import { table } from '../terminal/table.ts'
import { fullTime, relativeTime } from '../terminal/time.ts'
import type { Define } from './support/command.ts'

interface TenantKeyAnswer {
  readonly kid: string
  readonly use: 'sig' | 'enc'
  readonly algorithm: string
  readonly state: string
  readonly activeFrom: string
  readonly retireAt: string | null
}

const purposes = { sig: 'signs JWTs', enc: 'seals opaque tokens' }

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the keys of the tenant')
    .action(async () => {
      const api = await cli.api()
      const { keys } = await api.get<{ keys: TenantKeyAnswer[] }>('/signing-keys')
      terminal.show(keys, () =>
        table(
          keys,
          [
            { title: 'KEY ID', cell: key => key.kid },
            { title: 'PURPOSE', cell: key => purposes[key.use] },
            { title: 'ALGORITHM', cell: key => key.algorithm },
            { title: 'STATE', cell: key => key.state },
            { title: 'ACTIVE FROM', cell: key => relativeTime(key.activeFrom, cli.now()) },
            { title: 'RETIRES', cell: key => (key.retireAt ? relativeTime(key.retireAt, cli.now()) : '') },
          ],
          terminal.paint,
        ),
      )
    })

  command
    .command('rotate')
    .description('Make successors of the keys; they sign once every verifier could fetch them')
    .option('--now', 'sign with them at once (a leaked key)')
    .option('--algorithm <ALG>', 'sign with ES256, RS256, PS256 or EdDSA from then on')
    .action(async (options: { now?: boolean; algorithm?: string }) => {
      const api = await cli.api()
      const answer = await api.post<{ activeFrom: string }>('/signing-keys/rotation', options)
      terminal.show(
        answer,
        () =>
          `The new keys sign from ${fullTime(answer.activeFrom, cli.now())} on; ` +
          'the old ones verify until their last token has expired.\n',
      )
    })
}
