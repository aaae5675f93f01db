import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { read } from './support/camunda-settings.ts'

const root = join(import.meta.dirname, '..')
const file = (name: string) => readFileSync(join(root, name), 'utf8')

/** Instructions, with what is continued on the next line; in order. */
const instructions = file('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter(line => line !== '')
  .map(line => {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    return { name, rest }
  })
const all = (name: string) => instructions.filter(each => each.name === name).map(({ rest }) => rest)

describe('the image', () => {
  test('is made of files that are there and that the build is given', () => {
    const allowed = file('.dockerignore')
      .split('\n')
      .filter(line => line.startsWith('!'))
      .map(line => line.slice(1))
    const copied = all('COPY')
      .filter(rest => !rest.startsWith('--from'))
      .flatMap(rest => rest.split(' ').slice(0, -1))
    assert.ok(copied.length > 5)
    for (const name of copied) {
      assert.ok(existsSync(join(root, name)), name)
      assert.ok(allowed.includes(name.replace(/^\.\//, '')), name)
    }
  })

  test('has all that a package has', () => {
    const { files } = JSON.parse(file('package.json')) as { files: string[] }
    const copied = all('COPY').join(' ')
    for (const name of files) assert.match(copied, new RegExp(`(^|[ /])${name}( |$)`), name)
  })

  test('has a Node that the program runs under', () => {
    const { engines } = JSON.parse(file('package.json')) as { engines: { node: string } }
    const [, oldest] = /(\d+)/.exec(engines.node)!
    const [, node] = /^NODE=(\d+)$/.exec(all('ARG')[0]!)!
    assert.ok(Number(node) >= Number(oldest))
  })

  test('runs as somebody who is not root, and gives the data directory to him alone', () => {
    const user = instructions.findIndex(({ name }) => name === 'USER')
    assert.equal(instructions[user]!.rest, 'node')
    assert.deepEqual(
      instructions.slice(user + 1).filter(({ name }) => name === 'RUN' || name === 'USER'),
      [],
    )
    assert.match(all('RUN').join('\n'), /install -d -o node -g node -m 0700 \/data\b/)
    assert.match(all('ENV').join('\n'), /COUNTERSIGN_DATA_DIR=\/data\b/)
    assert.deepEqual(all('VOLUME'), ['/data'])
  })
})

describe('its health', () => {
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? status : 404).end()
  })
  after(() => server.close())
  const [, command = '[]'] = /CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0]!) ?? []
  const [, ...args] = JSON.parse(command) as string[]
  const check = (port: number) =>
    new Promise<number>(resolve => {
      const env = { ...process.env, COUNTERSIGN_PKI_PORT: String(port) }
      const child = execFile(process.execPath, args, { env })
      child.on('exit', code => resolve(code ?? -1))
    })

  test('is that of /readyz on the plain port', async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    assert.equal(await check(port), 0)
    status = 503
    assert.equal(await check(port), 1)
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    assert.equal(await check(port), 1)
  })
})

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly environment: Readonly<Record<string, unknown>>
}
const serviceOf = (name: string) =>
  (parse(file(name)) as { services: { identity: Service } }).services.identity
/** As Compose puts in what is not set. */
const filled = (text: string) =>
  text.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/\$\{\w+:\?[^}]*\}/g, 'password')

describe('deploy/compose.yaml', () => {
  const service = serviceOf('deploy/compose.yaml')
  const environment = Object.fromEntries(
    Object.entries(service.environment).map(([name, value]) => {
      assert.equal(typeof value, 'string', `${name}: Compose takes texts alone`)
      return [name, filled(value as string)]
    }),
  )

  test('has the described variables and values, and an image', () => {
    const described = (parse(file('test/fixtures/camunda/compose.yaml')) as { identity: Service }).identity
    const texts = Object.entries(described.environment).map(([name, value]) => [name, String(value)])
    assert.deepEqual(environment, Object.fromEntries(texts))
    assert.equal(service.image, 'countersign')
  })

  test('says nothing that is not known', () => {
    const { settings, notices } = read(environment)
    assert.equal(settings?.assertion?.keystore.path, '/certs/identity.p12')
    assert.deepEqual(
      notices.filter(({ message }) => /is not a|unknown|did you mean/.test(message)),
      [],
    )
  })

  test('publishes an API that is not protected on this computer alone', () => {
    assert.ok(service.ports.length > 0)
    for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:/)
  })

  test('keeps the data in a volume, and cannot write to the certificates', () => {
    assert.ok(service.volumes.includes('data:/data'))
    assert.ok(service.volumes.some(volume => volume.endsWith(':/certs:ro')))
  })
})
