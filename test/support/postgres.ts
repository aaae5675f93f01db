import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

const variable = 'COUNTERSIGN_TEST_POSTGRES_URL'

/** The server that the test runner started; never a reason to skip. */
const serverUrl = (): string => {
  const url = process.env[variable]
  if (url !== undefined) return url
  throw new Error(
    `${variable} is not set: tests on PostgreSQL run with "npm test", one file alone with "node scripts/test.mjs FILE"`,
  )
}

const onServer = async (statement: string): Promise<void> => {
  const client = new Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/**
 * Makes an empty database of its own on the test server. `drop` removes it, closing connections that are
 * still open, and may be called again.
 */
export const freshDatabase = async (): Promise<{ url: string; drop(): Promise<void> }> => {
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = new URL(serverUrl())
  url.pathname = `/${name}`
  await onServer(`CREATE DATABASE ${name}`)
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}
