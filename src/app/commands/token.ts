import type { Define } from './support/command.ts'
import { readSender, type SenderOptions, withSenderOptions, withToken } from './support/sender-options.ts'

export const define: Define = (command, cli) => {
  withSenderOptions(command).action(async (options: SenderOptions) => {
    const sender = await readSender(options, cli)
    const token = await withToken(sender, options, cli, (client, asked) => client.token(asked))
    cli.terminal.show(token.raw, () => `${token.value}\n`)
  })
}
