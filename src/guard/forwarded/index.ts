import { parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { certificateThumbprint } from '../../crypto/thumbprint.ts'
import { BoundedMap } from '../bounded-map.ts'
import {
  CertificateProblem,
  type PresentedCertificate,
  presentedCertificate,
} from '../presented-certificate.ts'
import { base64Der } from './base64-der.ts'
import { clientCert } from './client-cert.ts'
import { escapedPem } from './escaped-pem.ts'
import { type ForwardedForm, Unreadable } from './form.ts'
import { xfcc } from './xfcc.ts'

/** THE LIST: how proxies write a client certificate. */
export const forwardedForms: readonly ForwardedForm[] = [clientCert, xfcc, escapedPem, base64Der]

const longest = 64 * 1024

/** What proxies write when there is no certificate: nothing, or, Apache with `%{SSL_CLIENT_CERT}s`, this. */
const none: ReadonlySet<string> = new Set(['', '(null)'])

/**
 * The client certificate that a proxy wrote into a header. Call it only for requests whose hop has proven to be that
 * proxy (a certificate of its own, or a Unix socket that nobody else may open): whoever may send the header may be
 * anybody. The proxy must remove the header from what callers send, or replace it.
 *
 * `values` are all values of the one configured header, as received; `chainValues` those of the header with the other
 * certificates, if one is configured. The form is found from the value's own shape: RFC 9440 (`Client-Cert`), Envoy's
 * `x-forwarded-client-cert` (of which the last element alone is read), URL-encoded PEM (nginx), base64 of the DER
 * (HAProxy, Cloud Foundry). undefined: there is no certificate. A CertificateProblem: anything else than exactly one
 * certificate in one header, more than 64 KiB, more than 10 others (RFC 9440 section 4).
 *
 * Node counts headers in too: `maxHeaderSize` is 16 KiB unless told otherwise. `client_cert` and `client-cert` are two
 * headers to Node, as they should be; a gateway that maps one to the other must not stand in front of the proxy.
 */
export function readForwardedCertificate(
  values: readonly string[],
  chainValues: readonly string[] = [],
): PresentedCertificate | CertificateProblem | undefined {
  if (values.length > 1)
    return problem(`is there ${values.length} times: the proxy must replace what callers send`)
  const length = [...values, ...chainValues].reduce((sum, value) => sum + value.length, 0)
  if (length > longest) return problem(`has ${length} characters, more than ${longest}`)
  const [value = ''] = values
  const chain = chainValues.filter(each => !none.has(each))
  if (none.has(value)) return chain.length > 0 ? problem('is missing beside that of its chain') : undefined
  const [form, ...others] = forwardedForms.filter(each => each.recognises(value))
  if (!form || others.length > 0)
    return problem(`is of none of these forms: ${forwardedForms.map(({ name }) => name).join(', ')}`)
  return readAs(form, value, chain)
}

function readAs(
  form: ForwardedForm,
  value: string,
  chainValues: readonly string[],
): PresentedCertificate | CertificateProblem {
  try {
    const { leaf, chain } = form.read(value)
    const others = [...chain, ...readChain(form, chainValues)]
    const presented = presentedCertificate(leaf, others)
    if (presented instanceof CertificateProblem) return presented
    checkWellFormed(leaf, 'the certificate')
    for (const der of others) checkWellFormed(der, 'the chain')
    return presented
  } catch (error) {
    if (error instanceof Unreadable) return problem(`(${form.name}) ${error.message}`)
    throw error
  }
}

function readChain(form: ForwardedForm, values: readonly string[]): readonly Buffer[] {
  if (values.length === 0) return []
  if (!form.readChain) throw new Unreadable('does not go together with a header for the chain')
  try {
    return form.readChain(values)
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(`has a header for the chain that ${error.message}`)
    throw error
  }
}

/** Thumbprints of certificates that were read lately: a proxy sends the same few again and again. */
const wellFormed = new BoundedMap<true>(1000)

function checkWellFormed(der: Buffer, what: string): void {
  const thumbprint = certificateThumbprint(der)
  if (wellFormed.get(thumbprint)) return
  try {
    parseCertificate(der)
  } catch (error) {
    if (error instanceof DerError) throw new Unreadable(`holds no X.509 in ${what}: ${error.message}`)
    throw error
  }
  wellFormed.set(thumbprint, true)
}

function problem(what: string): CertificateProblem {
  return new CertificateProblem(`the header of the forwarded certificate ${what}`)
}
