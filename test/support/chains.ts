import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../src/crypto/certificate.ts'
import { bitString, explicit, integer, nullValue, oid, sequence, setOf, time } from '../../src/crypto/der.ts'
import { certificateExtensions as kinds } from '../../src/crypto/extensions/index.ts'
import { buildName } from '../../src/crypto/names.ts'
import { OID } from '../../src/crypto/oids.ts'
import { encodePem } from '../../src/crypto/pem.ts'
import { keyIdentifier, spkiOf } from '../../src/crypto/spki.ts'
import { openssl } from './openssl.ts'

/** Certificates as nobody should issue them: everything that one can say can be said wrongly. */

const pair = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  'P-224': () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' }),
  secp256k1: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'RSA 1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  Ed25519: () => generateKeyPairSync('ed25519'),
  Ed448: () => generateKeyPairSync('ed448'),
} as const

export type KeyKind = keyof typeof pair

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const pairs = new Map<string, Pair>()

/** The same key whenever the same kind and number are asked for. */
export function keyPair(kind: KeyKind, number = 0): Pair {
  const id = `${kind} ${number}`
  const known = pairs.get(id) ?? pair[kind]()
  pairs.set(id, known)
  return known
}

/** One certificate of a chain, by what is not as it should be. */
export interface Spec {
  cn?: string
  /** DER of names; the subject is otherwise made of `cn`, the issuer is the subject of the one above. */
  subject?: Buffer
  issuer?: Buffer
  serial?: number | bigint
  notBefore?: number
  notAfter?: number
  key?: Pair
  /** Who really signs. */
  signer?: Pair
  version?: 1 | 2 | 3
  /** By name: what replaces, adds, or with undefined removes, an extension. */
  extensions?: Record<string, Buffer | undefined>
  signing?: SigningName
  innerSigning?: SigningName
  spoilt?: boolean
}

export const now = Date.UTC(2026, 5, 1, 12)
const day = 86_400_000
const algorithm = (id: string, ...parameters: Buffer[]): Buffer => sequence([oid(id), ...parameters])
const sha = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
} as const

interface Signing {
  readonly algorithm: Buffer
  readonly sign: (tbs: Buffer, key: KeyObject) => Buffer
}

function pss(hash: keyof typeof sha, saltLength: number, mask: keyof typeof sha = hash): Signing {
  const digest = (name: keyof typeof sha) => algorithm(sha[name], nullValue())
  return {
    algorithm: algorithm(
      '1.2.840.113549.1.1.10',
      sequence([
        explicit(0, digest(hash)),
        explicit(1, algorithm('1.2.840.113549.1.1.8', digest(mask))),
        explicit(2, integer(saltLength)),
      ]),
    ),
    sign: (tbs, key) => sign(hash, tbs, { key, padding: 6, saltLength }),
  }
}

const plain = (id: string, hash: string | null, ...parameters: Buffer[]): Signing => ({
  algorithm: algorithm(id, ...parameters),
  sign: (tbs, key) => sign(hash, tbs, key),
})

export const signings = {
  'ECDSA SHA-256': plain(OID.ecdsaWithSHA256, 'sha256'),
  'ECDSA SHA-384': plain(OID.ecdsaWithSHA384, 'sha384'),
  'ECDSA SHA-512': plain(OID.ecdsaWithSHA512, 'sha512'),
  'ECDSA SHA-1': plain('1.2.840.10045.4.1', 'sha1'),
  'RSA SHA-256': plain(OID.sha256WithRSAEncryption, 'sha256', nullValue()),
  'RSA SHA-512': plain(OID.sha512WithRSAEncryption, 'sha512', nullValue()),
  'RSA SHA-1': plain('1.2.840.113549.1.1.5', 'sha1', nullValue()),
  'RSA MD5': plain('1.2.840.113549.1.1.4', 'md5', nullValue()),
  'PSS SHA-256': pss('sha256', 32),
  'PSS SHA-384, long salt': pss('sha384', 64),
  'PSS SHA-256, no salt': pss('sha256', 0),
  'PSS SHA-1': pss('sha1', 20),
  'PSS with another mask': pss('sha256', 32, 'sha384'),
  Ed25519: plain(OID.ed25519, null),
  Ed448: plain('1.3.101.113', null),
} as const satisfies Record<string, Signing>

export type SigningName = keyof typeof signings

const usualSigning = ({ privateKey }: Pair): SigningName =>
  (({ rsa: 'RSA SHA-256', ed25519: 'Ed25519', ed448: 'Ed448' }) as const)[
    privateKey.asymmetricKeyType as 'rsa'
  ] ?? 'ECDSA SHA-256'

export const named = (cn: string, organization?: string): Buffer =>
  buildName([...(organization ? [{ type: 'O', value: organization }] : []), { type: 'CN', value: cn }])

/** A name with one attribute written as told. */
export const nameOf = (type: string, value: Buffer): Buffer =>
  sequence([setOf([sequence([oid(type), value])])])

export const keyIdOf = ({ publicKey }: Pair): Buffer => keyIdentifier(spkiOf(publicKey))

/** DER of a chain, root first as it is told: a good one, but for what the specifications say. */
export function chainOf(specs: readonly Spec[], organization?: string): Buffer[] {
  const whole = specs.map((spec, level) => {
    const cn = spec.cn ?? (level === 0 ? 'root' : level === specs.length - 1 ? 'leaf' : `authority ${level}`)
    return {
      ...spec,
      key: spec.key ?? keyPair('P-256', level),
      subject: spec.subject ?? named(cn, organization),
    }
  })
  return whole.map((spec, level) => {
    const above = whole[Math.max(0, level - 1)]!
    const isLeaf = level === specs.length - 1 && level > 0
    return certificate({
      serial: 1000 + level,
      notBefore: now - day,
      notAfter: now + day,
      issuer: above.subject,
      signer: above.key,
      ...spec,
      extensions: {
        ski: kinds.subjectKeyIdentifier.build(keyIdOf(spec.key)),
        aki: kinds.authorityKeyIdentifier.build({ keyId: keyIdOf(above.key) }),
        ...(isLeaf
          ? {
              ku: kinds.keyUsage.build(['digitalSignature']),
              eku: kinds.extendedKeyUsage.build([OID.clientAuth]),
            }
          : {
              bc: kinds.basicConstraints.build({ ca: true }),
              ku: kinds.keyUsage.build(['keyCertSign', 'cRLSign']),
            }),
        ...spec.extensions,
      },
    })
  })
}

export function certificate(
  spec: Spec &
    Required<Pick<Spec, 'subject' | 'issuer' | 'serial' | 'notBefore' | 'notAfter' | 'key' | 'signer'>>,
): Buffer {
  const { version = 3, signing = usualSigning(spec.signer), innerSigning = signing } = spec
  const extensions = Object.values(spec.extensions ?? {}).filter(extension => extension !== undefined)
  const tbs = sequence([
    ...(version === 1 ? [] : [explicit(0, integer(version - 1))]),
    integer(spec.serial),
    signings[innerSigning].algorithm,
    spec.issuer,
    sequence([time(spec.notBefore), time(spec.notAfter)]),
    spec.subject,
    spkiOf(spec.key.publicKey),
    ...(version === 3 && extensions.length > 0 ? [explicit(3, sequence(extensions))] : []),
  ])
  const signature = signings[signing].sign(tbs, spec.signer.privateKey)
  if (spec.spoilt) signature[signature.length - 1]! ^= 1
  return sequence([tbs, signings[signing].algorithm, bitString(signature)])
}

export const parsed = (chain: readonly Buffer[]): Certificate[] => chain.map(der => parseCertificate(der))

/** One chain to judge: leaf, what the sender sent, and the trusted root. */
export interface Case {
  readonly leaf: Buffer
  readonly sent: readonly Buffer[]
  readonly roots: readonly Buffer[]
}

/**
 * What `openssl verify` says of each leaf: 'OK', or its words. All in one run, so that the names of unrelated chains
 * must differ, and all certificates must be readable.
 */
export function opensslVerdicts(cases: readonly Case[], args: readonly string[] = []): string[] {
  const pem = (ders: readonly Buffer[]) =>
    [...new Set(ders.map(der => encodePem('CERTIFICATE', der)))].join('\n')
  const leaves = cases.map((_, i) => `leaf-${i}.pem`)
  const sent = cases.flatMap(one => one.sent)
  const words = run(
    [
      'verify',
      ...['-x509_strict', '-attime', String(now / 1000), '-no-CApath', '-CAfile', 'roots.crt', ...args],
      ...(sent.length > 0 ? ['-untrusted', 'sent.crt'] : []),
      ...leaves,
    ],
    {
      'roots.crt': pem(cases.flatMap(one => one.roots)),
      'sent.crt': pem(sent),
      ...Object.fromEntries(cases.map(({ leaf }, i) => [leaves[i], pem([leaf])])),
    },
  )
  const verdicts = new Map<string, string>()
  let why = ''
  for (const line of words.split('\n')) {
    if (line.startsWith('error ') && !/^error leaf-/.test(line)) why ||= line
    const [, leaf] = /^(?:error )?(leaf-\d+\.pem): /.exec(line) ?? []
    if (leaf) {
      verdicts.set(leaf, line.endsWith(': OK') ? 'OK' : why || line)
      why = ''
    }
  }
  return leaves.map(leaf => {
    const verdict = verdicts.get(leaf)
    if (verdict === undefined) throw new Error(`openssl has not judged ${leaf}: ${words.slice(0, 2000)}`)
    return verdict
  })
}

/** stdout and stderr together, in the order in which each was written. */
function run(args: readonly string[], files: Readonly<Record<string, string>>): string {
  try {
    return openssl(args, files)
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${stderr}\n${stdout}`
  }
}
