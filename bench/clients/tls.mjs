// A load generator that shows a client certificate, which wrk cannot: bytes ready to be sent, answers only counted.
// `kept`: requests one after the other on connections that stay; otherwise each on a connection of its own, with a
// full TLS 1.3 handshake; without `request` there is nothing but the handshake.
import { connect, createSecureContext } from 'node:tls'
import { options, ready } from '../servers/serve.mjs'

const { port, kept, connections, seconds, sender, ca } = options
const request = options.request && Buffer.from(options.request)
const lateMs = 2000
const peer = {
  host: '127.0.0.1',
  port,
  servername: 'localhost',
  ALPNProtocols: ['http/1.1'],
  minVersion: 'TLSv1.3',
  // The same key exchange for all servers: the newer OpenSSL would choose a hybrid one with the like of itself.
  ecdhCurve: 'X25519',
  secureContext: createSecureContext({ cert: sender.chain, key: sender.key, ca, minVersion: 'TLSv1.3' }),
}

/** Calls back with the status of each answer; its length must be told in its head. */
const readAnswers = (socket, onAnswer) => {
  let held
  let missing = 0
  let status = 0
  socket.on('data', chunk => {
    let data = held ? Buffer.concat([held, chunk]) : chunk
    held = undefined
    if (missing === 0) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) {
        held = data
        return
      }
      const head = data.latin1Slice(0, end)
      status = Number(head.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)
      if (!length) throw new Error(`an answer without a length:\n${head}`)
      missing = Number(length[1])
      data = data.subarray(end + 4)
    }
    missing -= data.length
    if (missing === 0) onAnswer(status)
  })
}

const counts = () => ({ requests: 0, refused: 0, broken: 0, late: 0 })

const load = async () => {
  const counted = counts()
  const start = performance.now()
  const end = start + seconds * 1000
  const one = kept ? keep : renew
  await Promise.all(Array.from({ length: connections }, () => one(counted, end)))
  return { ...counted, seconds: (performance.now() - start) / 1000 }
}

const count = (counted, status, since) => {
  counted.requests++
  if (status > 399) counted.refused++
  if (performance.now() - since > lateMs) counted.late++
}

/** Connections stay from one round to the next. */
const open = []
const keep = async (counted, end) => {
  const connection = open.pop() ?? (await connected())
  const { socket } = connection
  await new Promise(done => {
    let since = performance.now()
    connection.onBroken = () => {
      counted.broken++
      done()
    }
    connection.onAnswer = status => {
      count(counted, status, since)
      since = performance.now()
      if (since < end) return socket.write(request)
      open.push(connection)
      done()
    }
    socket.write(request)
  })
}

const connected = () =>
  new Promise((resolve, reject) => {
    const connection = { socket: connect(peer, () => resolve(connection)) }
    connection.onBroken = reject
    connection.socket.setNoDelay(true)
    connection.socket.on('error', error => connection.onBroken(error))
    connection.socket.on('close', () => connection.onBroken(new Error('closed')))
    readAnswers(connection.socket, status => connection.onAnswer(status))
  })

const renew = async (counted, end) => {
  while (performance.now() < end) {
    const since = performance.now()
    const status = await exchange()
    if (status === undefined) counted.broken++
    else count(counted, status, since)
  }
}

/** The status of the answer, 0 without a request; undefined: the connection broke. Ends when the server has closed. */
const exchange = () =>
  new Promise(resolve => {
    let result
    const socket = connect(peer, () => {
      if (socket.isSessionReused() || socket.getProtocol() !== 'TLSv1.3') throw new Error('no full handshake')
      if (request) socket.write(request)
      else {
        result = 0
        socket.end()
      }
    })
    socket.setNoDelay(true)
    socket.on('error', () => {
      result = undefined
    })
    socket.on('close', () => resolve(result))
    if (!request) return socket.resume()
    readAnswers(socket, status => {
      result = status
      socket.end()
    })
  })

ready({}, undefined, { load })
