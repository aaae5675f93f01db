import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Cli } from './command.ts'
import { WrongUsage } from './errors.ts'

type Input = Pick<Cli, 'stdin'>

const alreadyRead = new WeakSet<object>()

/** Marks standard input as used: it can stand for one file only. */
export function takeStdin({ stdin }: Input): Cli['stdin'] {
  if (alreadyRead.has(stdin)) throw new WrongUsage('standard input (-) can stand for one file only')
  alreadyRead.add(stdin)
  return stdin
}

/** The bytes of a file, `-` for standard input. Throws WrongUsage. */
export async function readBytes(file: string, cli: Input): Promise<Buffer> {
  if (file === '-') return buffer(takeStdin(cli))
  try {
    return readFileSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The text of a file, `-` for standard input. Throws WrongUsage. */
export async function readText(file: string, cli: Input): Promise<string> {
  return (await readBytes(file, cli)).toString('utf8')
}

/** PEM as it stands; of a file in DER or of no text its base64: whoever reads certificates here reads both. Throws WrongUsage. */
export async function readPem(file: string, cli: Input): Promise<string> {
  const bytes = await readBytes(file, cli)
  return bytes.toString(bytes[0] === derSequence || !isText(bytes) ? 'base64' : 'utf8')
}

const derSequence = 0x30

/** Beside PEM, whatever its letters are, stands a name at times that is written in another encoding. */
const isText = (bytes: Buffer): boolean =>
  !bytes.includes(0) && (isUtf8(bytes) || bytes.includes('-----BEGIN'))

export function unreadable(file: string, error: unknown): WrongUsage {
  const { code, message } = error as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'you may not read it',
    EISDIR: 'it is a directory',
  }
  return new WrongUsage(`cannot read ${file}: ${reasons[code ?? ''] ?? message}`)
}

/** A JSON file. The parser's own words are dropped: they quote the text, which may hold a secret. */
export async function readJson(file: string, cli: Input): Promise<unknown> {
  return parseJson(await readText(file, cli), file)
}

function parseJson(given: string, file: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    throw new WrongUsage(`${file === '-' ? 'standard input' : file} is not JSON`)
  }
}

/** A secret or a token alone in a file: without the line break that editors add. */
export async function readSecret(file: string, cli: Input): Promise<string> {
  const secret = (await readText(file, cli)).replace(/\r?\n$/, '')
  if (secret !== '') return secret
  throw new WrongUsage(`${file === '-' ? 'standard input' : file} is empty`)
}

/** The value of `-c`: a file, or the JSON object itself. */
export async function readParameters(
  given: string | undefined,
  cli: Input,
): Promise<Record<string, unknown>> {
  if (given === undefined) return {}
  const parameters = given.trimStart().startsWith('{')
    ? parseJson(given, 'the value of -c')
    : await readJson(given, cli)
  if (typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters))
    return parameters as Record<string, unknown>
  throw new WrongUsage(`${given} must hold a JSON object`)
}
