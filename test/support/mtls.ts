import { randomBytes } from 'node:crypto'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { encodePem } from '../../src/crypto/pem.ts'
import { issueServerCertificate, makeRoot } from '../../src/crypto/server-certificate.ts'
import { keyPair } from './chains.ts'

const now = Date.now()
const root = makeRoot({ commonName: 'root of the server', now, random: randomBytes })
const server = issueServerCertificate({ root, hosts: ['127.0.0.1'], now, random: randomBytes })

const pkcs8 = (key: ReturnType<typeof keyPair>['privateKey']) =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string

/** What clients trust. */
export const serverRoot = root.pem

/** A server that asks for a client certificate and verifies none of it. */
export const asksForCertificate: TlsOptions = {
  cert: server.pem,
  key: pkcs8(server.privateKey),
  requestCert: true,
  rejectUnauthorized: false,
  ca: [],
}

/** A client that sends these certificates (DER), whose first is that of the P-256 key of this number. */
export function sends(certificates: readonly Buffer[], key: number): SecureContextOptions {
  return {
    ca: serverRoot,
    cert: certificates.map(der => encodePem('CERTIFICATE', der)).join(''),
    key: pkcs8(keyPair('P-256', key).privateKey),
  }
}
