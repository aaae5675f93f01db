import { TokenError } from './errors.ts'

/**
 * Alerts by which a server says that it does not take our certificate (RFC 8446 section 6.2). After the handshake
 * node names them in the code, within it (TLS 1.2) only by number in the text of an EPROTO.
 */
const certificateAlert =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_|NO_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/
const certificateAlertNumber = /SSL alert number (4[1-689]|116)\b/

/** What node:tls says when the server's chain or name does not hold. */
const distrust =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|INVALID_CA|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)/

const ended =
  'The server or something on the way ended it; so does a server that wants another client certificate.'

const hints: Record<string, string> = {
  ENOTFOUND: 'The host name is not known: check the address for typing errors and the DNS.',
  EAI_AGAIN: 'The host name could not be looked up: check the DNS.',
  ECONNREFUSED: 'Nothing listens there: check host and port, and that the server runs.',
  ECONNRESET: ended,
  EPIPE: ended,
  EPROTO:
    'The two sides found no common TLS: is it an https address, does the server speak TLS 1.2 or 1.3, ' +
    'and does it ask for a client certificate?',
}

/** Turns an error of a socket into the TokenError that says what to do. */
export function connectionFailure(url: URL, error: Error): TokenError {
  if (error instanceof TokenError) return error
  const code = codeOf(error)
  const where = url.host
  const alert = certificateAlertNumber.exec(error.message)?.[0]
  if (alert !== undefined || certificateAlert.test(code)) {
    return new TokenError(
      'refused',
      `${where} did not accept the client certificate (${alert ?? code}). Check that it is given (tls.cert and tls.key), ` +
        'not expired, and issued by a root that the server trusts.',
      { cause: error },
    )
  }
  if (distrust.test(code)) {
    return new TokenError(
      'untrusted',
      `The certificate of ${where} was not accepted (${code}). Give the root that issued it in tls.ca, and use ` +
        'the host name that is written in the certificate.',
      { cause: error },
    )
  }
  if (code.startsWith('HPE_')) {
    return new TokenError(
      'invalid_response',
      `${where} did not answer in HTTP (${code}). Check the port, and whether it wants https.`,
      { cause: error },
    )
  }
  const hint = hints[code] ?? (code.startsWith('ERR_SSL_') ? hints.EPROTO : 'Check address and network.')
  return new TokenError('unavailable', `No connection to ${where} (${code}). ${hint}`, { cause: error })
}

/** Node reports several tried addresses as one AggregateError; the first one's code speaks for all. */
function codeOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code !== undefined && code !== '') return code
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return first instanceof Error ? codeOf(first) : 'connection error'
}
