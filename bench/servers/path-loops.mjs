// What it costs to find out whether a sender's certificate is to be trusted, without TLS and HTTP.
import { parseCertificate } from '../../dist/crypto/certificate.js'
import { anchorOf, validatePath } from '../../dist/crypto/path/index.js'
import { readCertificateInput } from '../../dist/crypto/pem.js'
import { verifySigned } from '../../dist/crypto/signed.js'
import { importSpki } from '../../dist/crypto/spki.js'
import { presentedCertificate } from '../../dist/guard/presented-certificate.js'
import { loopMicroseconds } from './loop.mjs'

/** Each gives CPU microseconds per call; the path is leaf, intermediate, root. */
export const pathLoops = ({ cert, intermediate, root }, tenant, { trust }, loopMs) => {
  const [leafDer, intermediateDer, rootDer] = [cert, intermediate, root].map(
    pem => readCertificateInput(pem)[0],
  )
  const anchors = [anchorOf(parseCertificate(rootDer))]
  const validate = (leaf, above) => {
    const found = validatePath({
      leaf,
      intermediates: [above],
      anchors,
      now: Date.now(),
      purpose: 'clientAuth',
      requireEku: true,
    })
    if (!found.ok || found.chain.length !== 3) throw new Error(`no path: ${found.message}`)
  }
  const [leaf, above, top] = [leafDer, intermediateDer, rootDer].map(der => parseCertificate(der))
  const issuerKeys = [above, top].map(({ spki }) => importSpki(spki.raw))
  const presented = () => presentedCertificate(leafDer, [intermediateDer])
  const kept = presented()
  const evaluate = async given => {
    const verdict = trust.evaluate(tenant.id, given)
    const { ok, reason } = verdict instanceof Promise ? await verdict : verdict
    if (!ok) throw new Error(`not trusted: ${reason}`)
  }
  return {
    signatures: () =>
      loopMicroseconds(loopMs, () => {
        if (!verifySigned(leaf, issuerKeys[0]) || !verifySigned(above, issuerKeys[1]))
          throw new Error('not signed')
      }),
    validate: () => loopMicroseconds(loopMs, () => validate(leaf, above)),
    readAndValidate: () =>
      loopMicroseconds(loopMs, () => validate(parseCertificate(leafDer), parseCertificate(intermediateDer))),
    evaluateKept: () => loopMicroseconds(loopMs, () => evaluate(kept)),
    evaluateNew: () => loopMicroseconds(loopMs, () => evaluate(presented())),
  }
}
