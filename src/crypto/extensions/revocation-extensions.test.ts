import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DerError, readDer, sequence } from '../der.ts'
import { type ExtensionKind, parseExtensionList } from './extension.ts'
import { parseCertificateExtensions } from './index.ts'
import { type IssuingDistributionPoint, issuingDistributionPoint } from './issuing-distribution-point.ts'
import { ocspNoCheck } from './ocsp-no-check.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const opened = (extension: Buffer) => parseExtensionList(readDer(sequence([extension])))

test('ocspNoCheck is written, and found in a certificate', () => {
  const extensions = opened(ocspNoCheck.build(true))
  assert.deepEqual(extensions, [{ oid: '1.3.6.1.5.5.7.48.1.5', critical: false, value: hex('0500') }])
  assert.deepEqual(parseCertificateExtensions(extensions), { ocspNoCheck: true, unknownCritical: [] })
})

test('an issuing distribution point is written and read back, and is critical', () => {
  for (const [value, encoding] of [
    [{ scope: 'user' }, '3003 8101ff'],
    [{ scope: 'ca' }, '3003 8201ff'],
    [{ scope: 'attribute' }, '3003 8501ff'],
    [{ fullName: [{ kind: 'uri', value: 'a:b' }] }, '3009 a007 a005 8603 613a62'],
    [{ fullName: [{ kind: 'uri', value: 'a:b' }], scope: 'user' }, '300c a007 a005 8603 613a62 8101ff'],
  ] as const) {
    const [extension] = opened(issuingDistributionPoint.build(value))
    assert.ok(extension?.critical)
    assert.equal(extension.value.toString('hex'), encoding.replace(/\s/g, ''))
    assert.deepEqual(issuingDistributionPoint.parse(extension.value), value)
  }
})

test('an issuing distribution point is read with what we do not write', () => {
  const read = (encoding: string) => issuingDistributionPoint.parse(hex(encoding))
  assert.deepEqual(read('3000'), {})
  assert.deepEqual(read('3009 810100 8401ff 850100'), { indirect: true })
  assert.deepEqual(read('3004 83020640'), { onlySomeReasons: true })
  assert.deepEqual(read('3004 a002 a100'), { relativeName: hex('a100') })
})

describe('it is refused to write an issuing distribution point', () => {
  const cases: Readonly<Record<string, IssuingDistributionPoint>> = {
    'without content': {},
    'of an indirect list': { indirect: true, scope: 'user' },
    'for some reasons': { onlySomeReasons: true, scope: 'user' },
    'with a relative name': { relativeName: hex('a100'), scope: 'user' },
    'without any name in its full name': { fullName: [] },
  }
  for (const [title, value] of Object.entries(cases))
    test(title, () => assert.throws(() => issuingDistributionPoint.build(value), DerError))
})

describe('it is refused to read', () => {
  const cases: readonly (readonly [string, ExtensionKind<unknown>, string])[] = [
    ['ocspNoCheck that says something', ocspNoCheck, '0101ff'],
    ['ocspNoCheck with nothing', ocspNoCheck, ''],
    ['ocspNoCheck with content', ocspNoCheck, '050100'],
    ['ocspNoCheck with something behind', ocspNoCheck, '05000500'],
    ['an issuing distribution point for two kinds', issuingDistributionPoint, '3006 8101ff 8201ff'],
    ['an issuing distribution point in the wrong order', issuingDistributionPoint, '3006 8401ff 8101ff'],
    ['an issuing distribution point with a flag of 01', issuingDistributionPoint, '3003 810101'],
    ['an issuing distribution point with a sixth flag', issuingDistributionPoint, '3003 8601ff'],
    ['an issuing distribution point with an empty name', issuingDistributionPoint, '3002 a000'],
    ['an issuing distribution point with no full name', issuingDistributionPoint, '3004 a002 a000'],
    ['an issuing distribution point with padded reasons', issuingDistributionPoint, '3004 83020040'],
  ]
  for (const [title, kind, encoding] of cases)
    test(title, () => assert.throws(() => kind.parse(hex(encoding)), DerError))
})
