import { type Command, Option } from 'commander'
import type { Cli } from './command.ts'
import { WrongUsage } from './errors.ts'
import { readJson, readParameters, readPem } from './input.ts'

/** What `key create` and `key rotate` say about the credential, and where it goes. */
export interface CredentialOptions {
  readonly validity?: string
  readonly keyLength?: string
  readonly certificate?: string
  readonly allowUntrusted?: boolean
  readonly csr?: string
  readonly jwks?: string
  readonly jwksUri?: string
  readonly pin: boolean
  readonly authority?: 'active' | 'next'
  readonly parameters?: string
  readonly shape: 'flat' | 'cf'
  readonly out?: string
}

export function withCredentialOptions(command: Command): Command {
  return command
    .option('--validity <DAYS>', 'of a certificate, 1 to 365 (default: 365)')
    .option('--key-length <BITS>', '2048 (default), 3072 or 4096 for RSA; 256 or 384 for P-256, P-384')
    .option('--csr <FILE>', "a signing request of the sender's; its private key stays where it is")
    .option('--certificate <FILE>', 'the certificate that the sender has: the one alone, not its chain')
    .option('--allow-untrusted', 'though its root is not trusted yet; unusable until it is')
    .option('--jwks <FILE>', 'a JSON Web Key Set: the public keys that the sender signs assertions with')
    .option('--jwks-uri <URL>', 'where the sender publishes them, https only')
    .option('--no-pin', 'accept later certificates of the same subject and issuer, too')
    .addOption(
      new Option('--authority <WHICH>', 'next: of the authority that is to take over, to test with').choices([
        'active',
        'next',
      ]),
    )
    .addOption(
      new Option('--shape <SHAPE>', 'flat, or as in Cloud Foundry').choices(['flat', 'cf']).default('flat'),
    )
    .option(
      '--out <DIR>',
      'write key.json there and, of a certificate, PEM and PKCS#12; secrets for you only',
    )
    .option(
      '-c, --parameters <FILE>',
      'a JSON file with parameters, - for standard input, or the JSON itself',
    )
}

/** The parameters of `-c`, with those that have an option of their own in their place. */
export async function readCredentialOptions(
  options: CredentialOptions,
  cli: Cli,
): Promise<Record<string, unknown>> {
  const { validity, keyLength, certificate, allowUntrusted, csr, jwks, jwksUri, pin, authority } = options
  if (csr !== undefined && certificate !== undefined)
    throw new WrongUsage(
      'give --csr (for a certificate that is to be issued) or --certificate (for one that exists)',
    )
  return {
    ...(await readParameters(options.parameters, cli)),
    ...(validity !== undefined && { validity: wholeNumber(validity, '--validity') }),
    ...(keyLength !== undefined && { 'key-length': wholeNumber(keyLength, '--key-length') }),
    ...(csr !== undefined && { csr: await readPem(csr, cli) }),
    ...(jwks !== undefined && { jwks: await readJson(jwks, cli) }),
    ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
    ...(certificate !== undefined && { 'X.509': await readPem(certificate, cli) }),
    ...(allowUntrusted && { 'allow-untrusted': true }),
    ...(!pin && { 'certificate-pinning': false }),
    ...(authority !== undefined && { authority }),
  }
}

/** A number of days, bits or seconds. Throws WrongUsage. */
export function wholeNumber(text: string, option: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new WrongUsage(`${option} must be a whole number, not ${text}`)
}
