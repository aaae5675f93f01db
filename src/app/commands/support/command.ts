import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { Streams, Terminal } from '../../terminal/terminal.ts'
import type { AdminApi } from './admin-api.ts'
import type { Trust } from './trust.ts'

/** Adds options, arguments and subcommands of a group to its (empty) command. */
export type Define = (command: Command, cli: Cli) => void

/** A line of THE LIST. The file is read only when its command is called. */
export interface CommandEntry {
  readonly name: string
  readonly description: string
  load(): Promise<{ readonly define: Define }>
}

/** Options that stand before or after every command. */
export interface GlobalOptions {
  readonly url?: string
  readonly credentials?: string
  readonly ca?: string
  readonly tenant?: string
  readonly json?: boolean
}

/** What the process gives to its commands. */
export interface Surroundings extends Streams {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  /** Calls back at each Ctrl-C, in place of ending the process, until the function that it returns is called. */
  readonly onInterrupt: (tell: () => void) => () => void
  /** Bytes from a cryptographic random generator. */
  readonly random: (bytes: number) => Buffer
}

/** What a command works with. */
export interface Cli extends Surroundings {
  readonly terminal: Terminal
  readonly options: GlobalOptions
  /** The admin API of the chosen tenant, with the administrator's credential. */
  api(): Promise<AdminApi>
  /** Which server certificates are believed. */
  trust(): Trust
  /** A command line to try next, with the options that lead to the same server and tenant. */
  next(command: string): string
  /** Exit status once the command has ended; 1: the answer was a refusal. */
  status: number
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}
