import type { Define } from './support/command.ts'
import { readSecret } from './support/input.ts'

export const define: Define = (command, cli) => {
  command
    .command('rotate')
    .description('Wrap the inner keys under another master key')
    .option(
      '--secret-file <FILE>',
      'the new key, 32 bytes in base64 or hex; - for standard input (default: made up)',
    )
    .action(async ({ secretFile }: { secretFile?: string }) => {
      const newKey = secretFile === undefined ? undefined : await readSecret(secretFile, cli)
      const api = await cli.api()
      const answer = await api.post<{ rewrapped: number; next: string }>('/master-key/rotation', { newKey })
      cli.terminal.show(
        answer,
        () => `${answer.rewrapped} inner keys are wrapped under the new master key.\n${answer.next}\n`,
      )
    })
}
