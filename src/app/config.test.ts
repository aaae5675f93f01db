import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError, readConfig, type Surroundings } from './config.ts'

const read = (given: Partial<Surroundings> = {}) =>
  readConfig({ env: {}, cwd: '/srv', processors: 6, ...given })

describe('the configuration', () => {
  test('has a default for everything', () => {
    assert.deepEqual(read(), {
      dataDir: '/srv/countersign-data',
      host: '127.0.0.1',
      port: 8443,
      mtlsPort: 9443,
      pkiPort: 8480,
      publicUrl: undefined,
      mtlsUrl: undefined,
      pkiUrl: undefined,
      proxy: undefined,
      tlsCertFile: undefined,
      tlsKeyFile: undefined,
      databaseUrl: undefined,
      masterKey: undefined,
      masterKeyFile: undefined,
      workers: 1,
      logLevel: 'info',
      logFormat: 'json',
      warnings: [],
    })
  })

  test('is read from the environment', () => {
    const config = read({
      env: {
        COUNTERSIGN_DATA_DIR: 'data',
        COUNTERSIGN_HOST: '::1',
        COUNTERSIGN_PORT: '0',
        COUNTERSIGN_MTLS_PORT: '9444',
        COUNTERSIGN_PKI_PORT: '65535',
        COUNTERSIGN_PUBLIC_URL: 'https://id.example/',
        COUNTERSIGN_MTLS_URL: 'https://mtls.id.example',
        COUNTERSIGN_PKI_URL: 'http://pki.id.example/',
        COUNTERSIGN_PROXY_LISTEN: '[::1]:9445',
        COUNTERSIGN_PROXY_CA_FILE: 'proxy-ca.pem',
        COUNTERSIGN_PROXY_HEADER: 'Client-Cert',
        COUNTERSIGN_TLS_CERT_FILE: 'tls/cert.pem',
        COUNTERSIGN_TLS_KEY_FILE: '/etc/key.pem',
        COUNTERSIGN_DATABASE_URL: 'postgresql://u:p@db/countersign',
        COUNTERSIGN_MASTER_KEY_FILE: 'master',
        COUNTERSIGN_WORKERS: 'auto',
        COUNTERSIGN_LOG_LEVEL: 'WARN',
        COUNTERSIGN_LOG_FORMAT: 'text',
      },
    })
    assert.deepEqual(config, {
      dataDir: '/srv/data',
      host: '::1',
      port: 0,
      mtlsPort: 9444,
      pkiPort: 65_535,
      publicUrl: 'https://id.example',
      mtlsUrl: 'https://mtls.id.example',
      pkiUrl: 'http://pki.id.example',
      proxy: {
        listen: { host: '::1', port: 9445 },
        caFile: '/srv/proxy-ca.pem',
        header: 'client-cert',
      },
      tlsCertFile: '/srv/tls/cert.pem',
      tlsKeyFile: '/etc/key.pem',
      databaseUrl: 'postgresql://u:p@db/countersign',
      masterKey: undefined,
      masterKeyFile: '/srv/master',
      workers: 6,
      logLevel: 'warn',
      logFormat: 'text',
      warnings: [],
    })
  })

  test('is read from a file in any of the usual spellings', () => {
    for (const name of ['pkiPort', 'pki-port', 'pki_port', 'PKI_PORT', 'COUNTERSIGN_PKI_PORT'])
      assert.equal(read({ file: `${name}: 9000\n` }).pkiPort, 9000, name)
    const config = read({ file: '# comment\nhost: "0.0.0.0"\nworkers: 3\nlogFormat: text\n' })
    assert.deepEqual([config.host, config.workers, config.logFormat], ['0.0.0.0', 3, 'text'])
  })

  test('may be an empty file', () => {
    for (const file of ['', '# nothing yet\n', '---\n']) assert.deepEqual(read({ file }), read())
  })

  test('of the environment wins over the file, unless it is set to nothing', () => {
    const file = 'port: 1000\nhost: localhost\n'
    assert.equal(read({ file, env: { COUNTERSIGN_PORT: '2000' } }).port, 2000)
    assert.equal(read({ file, env: { COUNTERSIGN_PORT: '' } }).port, 1000)
    assert.equal(read({ file, env: { COUNTERSIGN_PORT: '2000' } }).host, 'localhost')
  })

  test('warns of variables that it does not know, and names the one that may be meant', () => {
    const env = {
      COUNTERSIGN_WORKER: '2',
      COUNTERSIGN_XYZZY: '1',
      COUNTERSIGN_TEST_POSTGRES_URL: 'x',
      PORT: '3',
    }
    assert.deepEqual(read({ env }).warnings, [
      'COUNTERSIGN_WORKER is not a setting; did you mean COUNTERSIGN_WORKERS?',
      'COUNTERSIGN_XYZZY is not a setting',
    ])
    assert.equal(read({ env }).workers, 1)
  })
})

describe('a setting is refused, with its name and what it may be', () => {
  const key = 'A'.repeat(43)
  const environments: [env: Record<string, string>, message: string][] = [
    ...['http', '-1', '65536', '80.5', '8443 8444'].map((port): [Record<string, string>, string] => [
      { COUNTERSIGN_PORT: port },
      `COUNTERSIGN_PORT must be a port number, not ${port}`,
    ]),
    [{ COUNTERSIGN_PKI_PORT: 'x' }, 'COUNTERSIGN_PKI_PORT must be a port number, not x'],
    ...['0', '257', '1.5', 'many', 'AUTO'].map((workers): [Record<string, string>, string] => [
      { COUNTERSIGN_WORKERS: workers },
      `COUNTERSIGN_WORKERS must be a number from 1 to 256, or auto, not ${workers}`,
    ]),
    [
      { COUNTERSIGN_LOG_LEVEL: 'loud' },
      'COUNTERSIGN_LOG_LEVEL must be one of debug, info, warn, error, not loud',
    ],
    [{ COUNTERSIGN_LOG_FORMAT: 'xml' }, 'COUNTERSIGN_LOG_FORMAT must be one of json, text, not xml'],
    ...[
      'http://id.example',
      'id.example',
      'https://id.example?a=b',
      'https://id.example#x',
      'https://u@id.example',
    ].map((url): [Record<string, string>, string] => [
      { COUNTERSIGN_PUBLIC_URL: url },
      `COUNTERSIGN_PUBLIC_URL must be an https:// address without query, not ${url}`,
    ]),
    [
      { COUNTERSIGN_TLS_CERT_FILE: 'c' },
      'COUNTERSIGN_TLS_CERT_FILE and COUNTERSIGN_TLS_KEY_FILE go together: set both or none',
    ],
    [
      { COUNTERSIGN_TLS_KEY_FILE: 'k' },
      'COUNTERSIGN_TLS_CERT_FILE and COUNTERSIGN_TLS_KEY_FILE go together: set both or none',
    ],
    [
      { COUNTERSIGN_DATABASE_URL: 'mysql://db' },
      'COUNTERSIGN_DATABASE_URL must begin with postgres:// (leave it out for the embedded store)',
    ],
    [
      { COUNTERSIGN_DATABASE_URL: 'postgres://db' },
      'with COUNTERSIGN_DATABASE_URL the nodes share a master key: set COUNTERSIGN_MASTER_KEY_FILE (32 random bytes: openssl rand -base64 32)',
    ],
    [
      { COUNTERSIGN_MASTER_KEY: key, COUNTERSIGN_MASTER_KEY_FILE: 'f' },
      'set COUNTERSIGN_MASTER_KEY or COUNTERSIGN_MASTER_KEY_FILE, not both',
    ],
    ...['9445', 'host', 'unix:socket', ':9445', '10.0.0.5:0', 'https://10.0.0.5:9445'].map(
      (listen): [Record<string, string>, string] => [
        { COUNTERSIGN_PROXY_LISTEN: listen, COUNTERSIGN_PROXY_HEADER: 'client-cert' },
        `COUNTERSIGN_PROXY_LISTEN must be unix:/path or host:port, not ${listen}`,
      ],
    ),
    [
      { COUNTERSIGN_PROXY_LISTEN: '10.0.0.5:9445', COUNTERSIGN_PROXY_HEADER: 'client-cert' },
      'COUNTERSIGN_PROXY_LISTEN on a port needs COUNTERSIGN_PROXY_CA_FILE: the proxy must show a certificate of that authority, else anybody could forward what it likes',
    ],
    [
      {
        COUNTERSIGN_PROXY_LISTEN: 'unix:/s',
        COUNTERSIGN_PROXY_HEADER: 'client-cert',
        COUNTERSIGN_PROXY_CA_FILE: 'f',
      },
      'COUNTERSIGN_PROXY_CA_FILE is for host:port: there is no TLS on a socket, whose mode decides who may use it',
    ],
    [
      { COUNTERSIGN_PROXY_LISTEN: 'unix:/s' },
      'COUNTERSIGN_PROXY_LISTEN needs COUNTERSIGN_PROXY_HEADER, the one header in which the proxy forwards certificates, such as x-forwarded-client-cert or client-cert',
    ],
    ...['client_cert', 'client cert', 'client-cert:', '-', 'ä'].map(
      (header): [Record<string, string>, string] => [
        { COUNTERSIGN_PROXY_LISTEN: 'unix:/s', COUNTERSIGN_PROXY_HEADER: header },
        `COUNTERSIGN_PROXY_HEADER must be the name of a header, of letters, digits and dashes (proxies mix up dash and underscore), not ${header}`,
      ],
    ),
    [
      { COUNTERSIGN_PROXY_HEADER: 'client-cert' },
      'COUNTERSIGN_PROXY_CA_FILE and COUNTERSIGN_PROXY_HEADER need COUNTERSIGN_PROXY_LISTEN',
    ],
  ]
  for (const [env, message] of environments)
    test(
      Object.entries(env)
        .map(pair => pair.join('='))
        .join(' '),
      () => {
        assert.throws(() => read({ env }), new ConfigError(message))
      },
    )

  const files: [file: string, message: RegExp][] = [
    ['prot: 8443', /^prot is not a setting; did you mean port\?$/],
    ['mystery: 1', /^mystery is not a setting$/],
    ['port: [8443]', /^port in the configuration file must be a plain value$/],
    ['host:', /^host in the configuration file must be a plain value$/],
    ['- port', /^the configuration file must be a mapping, such as `port: 8443`$/],
    ['8443', /^the configuration file must be a mapping/],
    ['port: "', /^the configuration file is not YAML: /],
    ['port: 99999', /^COUNTERSIGN_PORT must be a port number, not 99999$/],
  ]
  for (const [file, message] of files)
    test(`in a file: ${file}`, () => {
      assert.throws(
        () => read({ file }),
        error => error instanceof ConfigError && message.test(error.message),
      )
    })

  test('a database address in a message would show its password: none does', () => {
    const env = { COUNTERSIGN_DATABASE_URL: 'mysql://u:hidden@db' }
    assert.throws(
      () => read({ env }),
      error => error instanceof ConfigError && !error.message.includes('hidden'),
    )
  })
})
