import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { commands } from './commands/index.ts'
import { run } from './commands/support/program.ts'

// Whoever reads our output may have enough of it before the end (`| head`).
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
})

const status = await run(process.argv.slice(2), commands, {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  wait: setTimeout,
  onInterrupt(tell) {
    process.on('SIGINT', tell)
    return () => process.off('SIGINT', tell)
  },
  random: randomBytes,
})

if (status === 0) {
  // `serve` goes on from here.
  process.exitCode = 0
} else {
  // A server that could not start may have left something open; what was written goes out first.
  process.stdout.write('', () => process.exit(status))
}
