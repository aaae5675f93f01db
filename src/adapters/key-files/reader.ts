/** A thread that reads files of keys: deriving keys from passphrases takes long on purpose. */

import { parentPort } from 'node:worker_threads'
import { readKeyFile } from '../../core/keystore/index.ts'
import { isProblem } from '../../core/problem.ts'
import type { KeyFileResult, KeyFileWork } from './protocol.ts'

parentPort!.on('message', ({ file, opening }: KeyFileWork) => {
  const read = readKeyFile(file, opening)
  const result: KeyFileResult = isProblem(read)
    ? { refused: read.description, hint: read.hint }
    : { privateKey: read.privateKey, certificates: read.certificates, note: read.note }
  parentPort!.postMessage(result)
})
