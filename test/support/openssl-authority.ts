import { openssl } from './openssl.ts'

/** A certificate with its key, as the `openssl` command makes them (PEM). */
export interface Identity {
  readonly cert: string
  readonly key: string
}

const ec = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
const rsa = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']

export const opensslKey = (kind: 'ec' | 'rsa' | 'ed25519' = 'ec'): string =>
  openssl(['genpkey', ...(kind === 'ec' ? ec : kind === 'rsa' ? rsa : ['-algorithm', 'ED25519'])])

/** A self-signed root of an organization's own making. */
export function opensslRoot(cn: string, key = opensslKey()): Identity {
  const cert = openssl(
    [
      ...['req', '-x509', '-new', '-key', 'key.pem', '-subj', `/O=Example/CN=${cn}`, '-days', '3650'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ],
    { 'key.pem': key },
  )
  return { cert, key }
}

const authorityExtensions: Readonly<Record<string, string | undefined>> = {
  basicConstraints: 'critical,CA:TRUE,pathlen:0',
  keyUsage: 'critical,keyCertSign,cRLSign',
  subjectKeyIdentifier: 'hash',
  authorityKeyIdentifier: 'keyid',
}

/** A certificate under another one, that of an authority unless its extensions say otherwise; undefined leaves one out. */
export function opensslIssue(
  issuer: Identity,
  cn: string,
  {
    key = opensslKey(),
    days = 1825,
    extensions = {},
  }: { key?: string; days?: number; extensions?: Readonly<Record<string, string | undefined>> } = {},
): Identity {
  const csr = openssl(['req', '-new', '-key', 'key.pem', '-subj', `/O=Example/CN=${cn}`], { 'key.pem': key })
  const lines = Object.entries({ ...authorityExtensions, ...extensions })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
  const cert = openssl(
    [
      ...['x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'],
      ...['-days', String(days), '-extfile', 'extensions.txt'],
    ],
    {
      'request.pem': csr,
      'ca.pem': issuer.cert,
      'ca-key.pem': issuer.key,
      'extensions.txt': lines.join('\n'),
    },
  )
  return { cert, key }
}
