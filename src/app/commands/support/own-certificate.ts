import { X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import {
  certificateOfServiceKey,
  type ServiceKey,
  type ServiceKeyClientOptions,
  signsAssertions,
  type TlsOptions,
  TokenError,
} from '../../../client/index.ts'
import type { Cli } from './command.ts'
import { WrongUsage } from './errors.ts'
import { readBytes, readSecret } from './input.ts'

/** What of a sender's certificate lies outside the key file. */
export interface OwnCertificateOptions {
  readonly key: string
  readonly privateKey?: string
  readonly certificate?: string
  readonly pkcs12?: string
  readonly passphraseFile?: string
}

/**
 * The certificate of a sender as its connections show it, from the key file and the sender's own files; undefined for
 * a key that holds a secret. Throws WrongUsage that says what to give.
 */
export async function readOwnCertificate(
  key: ServiceKey,
  options: OwnCertificateOptions,
  cli: Cli,
): Promise<TlsOptions | undefined> {
  const { privateKey, certificate, pkcs12, passphraseFile } = options
  checkCombination(key, options)
  if (key.clientSecret !== undefined || signsAssertions(key)) return undefined
  const own = {
    ...(pkcs12 !== undefined && { pfx: await readBytes(pkcs12, cli), passphrase: '' }),
    ...(certificate !== undefined && { cert: await readBytes(certificate, cli) }),
    ...(privateKey !== undefined && { key: await readBytes(privateKey, cli) }),
    ...(passphraseFile !== undefined && { passphrase: await readSecret(passphraseFile, cli) }),
  }
  try {
    const shown = certificateOfServiceKey(key, own)
    if (shown.cert !== undefined) warnOfDates(shown.cert.toString(), cli)
    return shown
  } catch (error) {
    if (error instanceof TokenError) throw new WrongUsage(error.message)
    throw error
  }
}

/**
 * The private half of a key that holds public ones, from the sender's own file; undefined for other keys. Throws
 * WrongUsage.
 */
export async function readSigningKey(
  key: ServiceKey,
  { key: file, privateKey, passphraseFile }: OwnCertificateOptions,
  cli: Cli,
): Promise<ServiceKeyClientOptions['signingKey']> {
  if (!signsAssertions(key)) return undefined
  if (privateKey === undefined)
    throw new WrongUsage(
      `${file === '-' ? 'the key on standard input' : file} holds public keys: give the private half of one with --private-key FILE`,
    )
  return {
    key: await readBytes(privateKey, cli),
    ...(passphraseFile !== undefined && { passphrase: await readSecret(passphraseFile, cli) }),
  }
}

function checkCombination(key: ServiceKey, options: OwnCertificateOptions): void {
  const { privateKey, certificate, pkcs12, passphraseFile } = options
  const file = options.key === '-' ? 'the key on standard input' : options.key
  if (pkcs12 !== undefined && (privateKey !== undefined || certificate !== undefined))
    throw new WrongUsage('a PKCS#12 file holds certificate and private key: leave the other options out')
  const given = privateKey ?? certificate ?? pkcs12
  if (key.clientSecret !== undefined && given !== undefined)
    throw new WrongUsage(`${file} holds a secret: it is used without a certificate`)
  if (
    passphraseFile !== undefined &&
    pkcs12 === undefined &&
    privateKey === undefined &&
    key.key === undefined
  )
    throw new WrongUsage('--passphrase-file goes with --pkcs12 or --private-key')
  if (signsAssertions(key) && (certificate ?? pkcs12) !== undefined)
    throw new WrongUsage(`${file} holds public keys: it is used without a certificate`)
  if (key.clientSecret !== undefined || signsAssertions(key) || pkcs12 !== undefined) return
  if (key.certificate === undefined && certificate === undefined)
    throw new WrongUsage(
      `${file} holds no certificate: give the sender's own with --certificate CHAIN.pem and --private-key FILE, or with --pkcs12 FILE`,
    )
  if (key.key === undefined && privateKey === undefined)
    throw new WrongUsage(
      `${file} holds no private key, because the sender has it: give it with --private-key FILE`,
    )
}

/** A certificate out of its dates is refused by the server, but only after a while one thinks of the dates. */
function warnOfDates(pem: string, cli: Cli): void {
  const { validFromDate, validToDate } = new X509Certificate(pem)
  if (validToDate.getTime() < cli.now())
    cli.terminal.warn(`the certificate ended on ${validToDate.toISOString()}`)
  if (validFromDate.getTime() > cli.now())
    cli.terminal.warn(`the certificate begins on ${validFromDate.toISOString()} only`)
}

/** Says which of the files with something secret others on this machine can read. */
export function warnOfReaders(files: readonly (string | undefined)[], cli: Cli): void {
  for (const file of files) {
    if (file === undefined || file === '-') continue
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & readableByOthers) !== 0)
      cli.terminal.warn(`others on this machine can read ${file}: close it with chmod 600`)
  }
}

const readableByOthers = 0o044
