/**
 * A process to be killed: node store-writer.ts URL INSTANCE TENANT NUMBER. Transaction n makes three keys and deletes
 * those of transaction n - 3; each is reported on stdout once it is acknowledged.
 */
import { writeSync } from 'node:fs'
import { openStore } from '../../src/adapters/store/open.ts'
import { aKey, silentLog } from '../contracts/store.ts'

const [url, id, tenantId, last] = process.argv.slice(2) as [string, string, string, string]
const keysPerTransaction = 3
const keysOf = (n: number) =>
  Array.from({ length: keysPerTransaction }, (_, i) => {
    const name = `${n}-${i}`
    return aKey({ id, tenantId }, { id: `${id} ${name}`, name, clientId: `${id} ${name}` })
  })

/** The names that are there after transaction n. */
export function namesAfter(n: number): string[] {
  const numbers = [n - 2, n - 1, n].filter(number => number > 0)
  return numbers.flatMap(number => keysOf(number).map(({ name }) => name)).sort()
}

if (url) {
  try {
    const store = await openStore({ url, log: silentLog, now: Date.now })
    for (let n = Number(last) + 1; ; n++) {
      await store.write(async ({ keys }) => {
        for (const key of keysOf(n)) await keys.insert(key)
        for (const key of keysOf(n - 3)) await keys.delete(key)
      })
      writeSync(1, `${n}\n`)
    }
  } catch (error) {
    writeSync(1, `${(error as Error).name}\n`)
    process.exit(1)
  }
}
