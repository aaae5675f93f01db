import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namesAfter } from '../support/store-writer.ts'
import { anInstance, aTenant, type Place } from './store.ts'

const program = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url))
const rounds = 6

/** Runs a process that writes to the store until it ends, or is killed after some acknowledged transactions. */
export async function runWriter(args: string[], killAfter = Number.POSITIVE_INFINITY): Promise<string[]> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let acknowledged = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    const before = acknowledged
    acknowledged = output.split('\n').length - 1
    // A moment later: anywhere in the transaction that follows.
    if (before < killAfter && acknowledged >= killAfter)
      setTimeout(() => child.kill('SIGKILL'), Math.random() * 4)
  })
  await once(child, 'close')
  return output.split('\n').slice(0, -1)
}

/** The promise that matters most, for an engine: acknowledged is there, unacknowledged is absent or whole. */
export function killContract(name: string, makePlace: () => Promise<Place>): void {
  it(`${name}: a process killed while it makes and deletes keys loses nothing acknowledged, keeps nothing by halves`, async () => {
    const place = await makePlace()
    const tenant = aTenant()
    const instance = anInstance(tenant)
    let store = await place.open()
    await store.write(async ({ tenants, instances }) => {
      await tenants.insert(tenant)
      await instances.insert(instance)
    })
    let last = 0
    for (let round = 0; round < rounds; round++) {
      await store.close()
      const killAfter = 1 + Math.floor(Math.random() * 20)
      const lines = await runWriter([place.url, instance.id, tenant.id, String(last)], killAfter)
      const acknowledged = Number(lines.at(-1))
      assert.ok(acknowledged > last, `the process wrote nothing: ${lines}`)
      store = await place.open()
      // In a transaction: PostgreSQL may still be finishing what the dead process sent.
      const names = await store.write(async ({ keys }) =>
        (await keys.list(instance.id)).map(({ name }) => name),
      )
      last =
        [acknowledged, acknowledged + 1].find(n => namesAfter(n).join() === names.sort().join()) ?? Number.NaN
      assert.ok(last, `after transaction ${acknowledged} there are the keys ${names}`)
    }
    await store.close()
    await place.drop()
  })
}
