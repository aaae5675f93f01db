import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, parseCertificate } from '../../../src/crypto/certificate.ts'
import { parseCertificateExtensions } from '../../../src/crypto/extensions/index.ts'
import { decodePem } from '../../../src/crypto/pem.ts'
import { type Answer, callUrl, type TestServer } from '../../support/server.ts'

/** Public halves only: nobody has the keys of these requests any more. */
export const signingRequest = (name: string): string =>
  readFileSync(new URL(`../../fixtures/signing-requests/${name}.pem`, import.meta.url), 'utf8')

export interface Run {
  readonly status: number
  /** stderr and stdout. */
  readonly words: string
}

/** A directory in which `openssl` works while the server of this process answers it. */
export function workshop() {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-pki-'))
  return {
    directory,
    write(name: string, content: string | Uint8Array): string {
      writeFileSync(join(directory, name), content, { mode: 0o600 })
      return name
    },
    read: (name: string): Buffer => readFileSync(join(directory, name)),
    openssl: (...args: readonly string[]): Promise<Run> =>
      new Promise(resolve => {
        execFile('openssl', args, { cwd: directory, encoding: 'utf8' }, (error, stdout, stderr) =>
          resolve({ status: error ? Number(error.code) : 0, words: `${stderr}${stdout}` }),
        )
      }),
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

export type Workshop = ReturnType<typeof workshop>

export const certificatesOf = (pem: string): Certificate[] =>
  decodePem(pem).map(({ der }) => parseCertificate(der))

/** From an address exactly as it is written somewhere. */
export async function fetched(server: TestServer, url: string): Promise<Answer> {
  const answer = await callUrl(url, server.ca, {})
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${answer.text}`)
  return answer
}

/** The addresses that a certificate names. */
export function addressesIn(certificate: Certificate) {
  const { crlDistributionPoints = [], authorityInformationAccess = [] } = parseCertificateExtensions(
    certificate.extensions,
  )
  const uri = (name: object | undefined) => (name && 'value' in name ? String(name.value) : undefined)
  const access = (method: string) =>
    uri(authorityInformationAccess.find(one => one.method === method)?.location)
  return {
    crl: uri(crlDistributionPoints[0]?.fullName?.[0]),
    ocsp: access('1.3.6.1.5.5.7.48.1'),
    issuer: access('1.3.6.1.5.5.7.48.2'),
  }
}

export const hexOf = ({ serial }: Certificate): string => serial.toString(16)
