import { createHash } from 'node:crypto'
import type { Sender } from '../../support/senders.ts'

/** A header by which a caller claims to be another one. */
export interface Forgery {
  readonly name: string
  readonly headers: Record<string, string | string[]>
}

/** The certificate of `victim` in every form that is read. */
export function forms({ der, pem }: Sender): Readonly<Record<string, string>> {
  const base64 = der.toString('base64')
  const escaped = encodeURIComponent(pem)
  return {
    'RFC 9440': `:${base64}:`,
    PEM: escaped,
    DER: base64,
    Envoy: `Hash=${createHash('sha256').update(der).digest('hex')};Cert="${escaped}"`,
  }
}

/** Every spelling of a header, and names that other products believe. */
function spellings(header: string): string[] {
  const words = header.split('-')
  const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1)
  return [
    header,
    header.toUpperCase(),
    words.map(capital).join('-'),
    header.replaceAll('-', '_'),
    header.replaceAll('-', '_').toUpperCase(),
    header.replace('-', '_'),
    header.replaceAll('-', '.'),
    header.replaceAll('-', ''),
    `http-${header}`,
    'Client-Cert',
    'Client_Cert',
    'X-Forwarded-Client-Cert',
    'X_Forwarded_Client_Cert',
    'X-SSL-Client-Cert',
    'X_SSL_Client_Cert',
    'SSL_CLIENT_CERT',
    'X-Client-Cert',
    'X-Forwarded-Tls-Client-Cert',
    'X-Amzn-Mtls-Clientcert',
  ]
}

export function forgeries(header: string, victim: Sender): Forgery[] {
  const values = forms(victim)
  const value = values['RFC 9440']!
  return [...new Set(spellings(header))]
    .map((name): Forgery => ({ name, headers: { [name]: value } }))
    .concat(
      Object.entries(values).map(([form, text]) => ({
        name: `${header} as ${form}`,
        headers: { [header]: text },
      })),
      [
        { name: `${header} twice`, headers: { [header]: [value, value] } },
        {
          name: `${header} and its underscores`,
          headers: { [header]: '', [header.replaceAll('-', '_')]: value },
        },
        {
          name: `${header} named as hop by hop`,
          headers: { [header]: value, Connection: `close, ${header}` },
        },
        { name: `${header} with a chain`, headers: { [header]: value, [`${header}-chain`]: value } },
        { name: 'a chain alone', headers: { [`${header}-chain`]: value } },
        { name: 'a verdict of a proxy', headers: { 'X-SSL-Client-Verify': 'SUCCESS', [header]: value } },
      ],
    )
}
