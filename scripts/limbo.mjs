// Judges the cases of x509-limbo (github.com/C2SP/x509-limbo) with our path validation: docs/path-validation.md
//   node scripts/limbo.mjs FILE [--only PART-OF-AN-ID] [--lenient] [--all]
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { continueUnderNewNode } from './node.mjs'

await continueUnderNewNode()
const { parseCertificate } = await import('../src/crypto/certificate.ts')
const { crlStatus, parseCrl, readCrlInput, verifyCrl } = await import('../src/crypto/crl/index.ts')
const { DerError } = await import('../src/crypto/der.ts')
const { anchorOf, validatePath } = await import('../src/crypto/path/index.ts')
const { decodePem, PemError } = await import('../src/crypto/pem.ts')

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    lenient: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  },
})
if (positionals.length !== 1) {
  console.error('Usage: node scripts/limbo.mjs FILE [--only PART-OF-AN-ID] [--lenient] [--all]')
  process.exit(2)
}

/** What a path says nothing of: why a case is left out, or undefined. */
const leftOut = ({ id, features, max_chain_depth: depth, signature_algorithms: algorithms }) => {
  if (/::(san|cn)::/.test(id) || features.includes('pedantic-public-suffix-wildcard'))
    return 'about the name of a server'
  if (id.startsWith('webpki::') || features.some(name => name.startsWith('pedantic-webpki')))
    return 'rules of the CA/Browser Forum'
  if (depth !== null) return 'sets the greatest length of a path'
  if (algorithms.length > 0) return 'sets the algorithms'
  return undefined
}

const readAll = list => list.map(pem => parseCertificate(decodePem(pem)[0].der))

/** With lists, a certificate without one that covers it is unknown. */
const revocationBy = (crls, now) => {
  if (crls.length === 0) return undefined
  const lists = crls.flatMap(text => readCrlInput(text)).map(der => parseCrl(der))
  return (certificate, { subject, spki, certificate: issuer }) => {
    const said = lists
      .map(list => (issuer ? verifyCrl(list, issuer) : { ok: false }))
      .filter(({ ok }) => ok)
      .map(({ crl }) => crlStatus(crl, { certificate, issuer: { subject, spki }, now }).status)
    return said.find(status => status === 'revoked') ?? said.find(status => status === 'good') ?? 'unknown'
  }
}

/** 'valid', or what is wrong. */
const judge = testcase => {
  try {
    const now = testcase.validation_time === null ? Date.now() : Date.parse(testcase.validation_time)
    const revocation = revocationBy(testcase.crls, now)
    const result = validatePath({
      leaf: readAll([testcase.peer_certificate])[0],
      intermediates: readAll(testcase.untrusted_intermediates),
      anchors: readAll(testcase.trusted_certs).map(anchorOf),
      now,
      purpose: testcase.validation_kind === 'CLIENT' ? 'clientAuth' : 'serverAuth',
      ...(revocation && { revocation }),
      policy: { strict: !given.lenient },
    })
    return result.ok ? 'valid' : `${result.rule}: ${result.message}`
  } catch (error) {
    if (error instanceof DerError || error instanceof PemError) return `cannot be read: ${error.message}`
    throw error
  }
}

const counts = new Map()
const count = what => counts.set(what, (counts.get(what) ?? 0) + 1)
let surprises = 0
for (const testcase of JSON.parse(readFileSync(positionals[0], 'utf8')).testcases) {
  const { id, expected_result: expected } = testcase
  if (!id.includes(given.only)) continue
  const reason = leftOut(testcase)
  if (reason && !given.all) {
    count(`left out: ${reason}`)
    continue
  }
  const ours = judge(testcase)
  const accepts = ours === 'valid'
  if (accepts === (expected === 'SUCCESS')) {
    count('agree')
    continue
  }
  count(accepts ? 'disagree: accepted here, refused there' : 'disagree: refused here, accepted there')
  if (accepts) surprises++
  console.log(`${id}\n  there ${expected}, here ${ours}`)
}
console.log()
for (const [what, many] of [...counts].sort()) console.log(`${String(many).padStart(6)}  ${what}`)
process.exitCode = surprises > 0 ? 1 : 0
