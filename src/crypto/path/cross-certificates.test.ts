import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Case,
  certificate,
  keyIdOf,
  keyPair,
  named,
  now,
  opensslVerdicts,
  parsed,
} from '../../../test/support/chains.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { OID } from '../oids.ts'
import { anchorOf, validatePath } from './index.ts'

const day = 86_400_000

/** An authority is a name with one of two keys: rolled over, or taken by another. */
interface Authority {
  readonly name: number
  readonly key: number
}

/** Who certifies whom, and what is wrong with it. */
interface Edge {
  readonly issuer: Authority
  readonly subject: Authority
  readonly expired: boolean
  readonly pathLength: number | undefined
  /** Signed by somebody else than it says. */
  readonly forged: boolean
}

interface Graph {
  readonly cross: readonly Edge[]
  readonly roots: readonly { readonly authority: Authority; readonly expired: boolean }[]
  readonly issuer: Authority
}

const authority = fc.record({ name: fc.nat(2), key: fc.nat(1) })
const edge = fc.record({
  issuer: authority,
  subject: authority,
  expired: fc.constantFrom(false, false, false, true),
  pathLength: fc.constantFrom(undefined, undefined, undefined, 0, 1),
  forged: fc.constantFrom(false, false, false, false, true),
})
const graph: fc.Arbitrary<Graph> = fc.record({
  cross: fc.array(edge, { minLength: 1, maxLength: 7 }),
  roots: fc.array(fc.record({ authority, expired: fc.constantFrom(false, false, true) }), {
    minLength: 1,
    maxLength: 2,
  }),
  issuer: authority,
})

let serial = 1
const caExtensions = (subject: number, signer: number, pathLength: number | undefined) => ({
  bc: kinds.basicConstraints.build({ ca: true, ...(pathLength !== undefined && { pathLength }) }),
  ku: kinds.keyUsage.build(['keyCertSign', 'cRLSign']),
  ski: kinds.subjectKeyIdentifier.build(keyIdOf(keyPair('P-256', subject))),
  aki: kinds.authorityKeyIdentifier.build({ keyId: keyIdOf(keyPair('P-256', signer)) }),
})

/** `id` keeps the names of different graphs apart. */
function caseOf({ cross, roots, issuer }: Graph, id: string): Case {
  const nameOf = ({ name }: Authority) => named(`authority ${name}`, id)
  const keyOf = ({ name, key }: Authority) => 2 * name + key
  const made = ({ issuer: by, subject, expired, pathLength, forged }: Edge): Buffer =>
    certificate({
      subject: nameOf(subject),
      issuer: nameOf(by),
      serial: serial++,
      notBefore: now - 10 * day,
      notAfter: expired ? now - day : now + day,
      key: keyPair('P-256', keyOf(subject)),
      signer: keyPair('P-256', forged ? 9 : keyOf(by)),
      extensions: caExtensions(keyOf(subject), keyOf(by), pathLength),
    })
  const selfSigned = roots.map(({ authority: own, expired }) =>
    made({ issuer: own, subject: own, expired, pathLength: undefined, forged: false }),
  )
  const leaf = certificate({
    subject: named('leaf', id),
    issuer: nameOf(issuer),
    serial: serial++,
    notBefore: now - day,
    notAfter: now + day,
    key: keyPair('P-256', 8),
    signer: keyPair('P-256', keyOf(issuer)),
    extensions: {
      ku: kinds.keyUsage.build(['digitalSignature']),
      eku: kinds.extendedKeyUsage.build([OID.clientAuth]),
      ski: kinds.subjectKeyIdentifier.build(keyIdOf(keyPair('P-256', 8))),
      aki: kinds.authorityKeyIdentifier.build({ keyId: keyIdOf(keyPair('P-256', keyOf(issuer))) }),
    },
  })
  return { leaf, sent: cross.map(made), roots: selfSigned }
}

function ours({ leaf, sent, roots }: Case) {
  const [first, ...others] = parsed([leaf, ...sent])
  return validatePath({
    leaf: first!,
    intermediates: others,
    anchors: parsed(roots).map(anchorOf),
    now,
    purpose: 'clientAuth',
  })
}

const args = ['-purpose', 'sslclient', '-auth_level', '2']

test('authorities that certify each other: what openssl accepts is accepted, and what is accepted openssl takes', () => {
  const cases = fc.sample(graph, { numRuns: 150, seed: 4158 }).map((one, i) => caseOf(one, `graph ${i}`))
  const results = cases.map(ours)
  const theirs = opensslVerdicts(cases, args)
  // openssl follows one path and does not turn back, so that it may miss one; given the path, it must agree.
  for (const [i, words] of theirs.entries()) if (words === 'OK') assert.ok(results[i]!.ok, `graph ${i}`)
  const paths = results.flatMap((result, i) => {
    if (!result.ok) return []
    const chain = result.chain.map(({ raw }) => raw)
    return [{ leaf: cases[i]!.leaf, sent: chain.slice(1, -1), roots: [chain.at(-1)!] }]
  })
  assert.deepEqual([...new Set(opensslVerdicts(paths, args))], ['OK'])
  const found = theirs.filter(words => words === 'OK').length
  assert.ok(
    found > 20 && paths.length >= found && paths.length < 110,
    `found by openssl ${found}, by us ${paths.length}`,
  )
})
