// No server: what one signature costs in a loop, for a token-like input.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { loopMicroseconds } from './loop.mjs'
import { options, ready } from './serve.mjs'

const { privateKey } =
  options.algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { key: privateKey, dsaEncoding: 'ieee-p1363' }
const input = Buffer.from(randomBytes(450).toString('base64url'))
const signature = () => loopMicroseconds(options.loopMs, () => sign('sha256', input, key))
ready({}, undefined, { signature })
