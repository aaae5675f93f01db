import type { KeyObject } from 'node:crypto'
import type { Opening } from '../../core/keystore/index.ts'

/** What the thread is given. */
export interface KeyFileWork {
  readonly file: string
  readonly opening: Opening
}

/** What it answers: a Problem does not cross threads as one. */
export type KeyFileResult =
  | {
      readonly privateKey: KeyObject | undefined
      readonly certificates: readonly Uint8Array[]
      readonly note: string | undefined
    }
  | { readonly refused: string; readonly hint: string | undefined }
