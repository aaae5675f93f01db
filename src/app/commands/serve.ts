import type { Define } from './support/command.ts'

export const define: Define = command => {
  command
    .option('--demo', 'with a sender, a guarded flow and a receiver to try (loopback only)')
    .option('--config <FILE>', 'settings in YAML; the environment wins')
    .action(async ({ demo = false, config }: { demo?: boolean; config?: string }) => {
      const { serve } = await import('../serve.ts')
      await serve({ demo, config })
    })
}
