import type { Define } from './support/command.ts'
import { fetchToken, readSenderKey, type SenderOptions, withSenderOptions } from './support/sender-options.ts'

export const define: Define = (command, cli) => {
  withSenderOptions(command).action(async (options: SenderOptions) => {
    const key = await readSenderKey(options, cli)
    const token = await fetchToken(key, options, cli)
    cli.terminal.show(token.raw, () => `${token.value}\n`)
  })
}
