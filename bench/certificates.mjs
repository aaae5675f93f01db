// The certificates of a run: the server's, and a sender's below an intermediate of its own authority. All P-256.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { buildCertificate, randomSerial } from '../dist/crypto/certificate.js'
import { basicConstraints } from '../dist/crypto/extensions/basic-constraints.js'
import { extendedKeyUsage } from '../dist/crypto/extensions/extended-key-usage.js'
import { keyUsage } from '../dist/crypto/extensions/key-usage.js'
import { buildName } from '../dist/crypto/names.js'
import { OID } from '../dist/crypto/oids.js'
import { encodePem } from '../dist/crypto/pem.js'
import { issueServerCertificate, makeRoot } from '../dist/crypto/server-certificate.js'

const hour = 3_600_000
const pem = key => key.export({ format: 'pem', type: 'pkcs8' })

/** `server` {cert, key, ca}; `sender` {cert, chain, key, root, subject}: PEM, and the name as oidc-provider wants it. */
export const makeCertificates = () => {
  const now = Date.now()
  const serverRoot = makeRoot({ commonName: 'Benchmark server root', now, random: randomBytes })
  const hosts = ['localhost']
  const server = issueServerCertificate({ root: serverRoot, hosts, now, days: 1, random: randomBytes })

  const issue = (commonName, issuer, extensions) => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const subject = buildName([{ type: 'CN', value: commonName }])
    const der = buildCertificate({
      serial: randomSerial(randomBytes),
      issuer: issuer?.subject ?? subject,
      subject,
      notBefore: now - hour,
      notAfter: now + 24 * hour,
      publicKey: keys.publicKey,
      issuerKey: (issuer ?? keys).privateKey,
      extensions,
    })
    return { ...keys, subject, pem: encodePem('CERTIFICATE', der) }
  }
  const authority = pathLength => [
    basicConstraints.build({ ca: true, pathLength }),
    keyUsage.build(['keyCertSign', 'cRLSign']),
  ]
  const root = issue('Benchmark sender root', undefined, authority(1))
  const intermediate = issue('Benchmark sender authority', root, authority(0))
  const sender = issue('sender', intermediate, [
    basicConstraints.build({ ca: false }),
    keyUsage.build(['digitalSignature']),
    extendedKeyUsage.build([OID.clientAuth]),
  ])
  return {
    server: { cert: server.pem, key: pem(server.privateKey), ca: serverRoot.pem },
    sender: {
      cert: sender.pem,
      chain: sender.pem + intermediate.pem,
      intermediate: intermediate.pem,
      key: pem(sender.privateKey),
      root: root.pem,
      subject: 'CN=sender',
    },
  }
}
