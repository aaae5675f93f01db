// Does issuing tokens leave anything behind? Resident memory idle, half way and after so many tokens.
import { createWorld } from './cases.mjs'
import { load, residentMegabytes } from './measure.mjs'
import { startSide } from './rounds.mjs'

/** Issues `count` tokens twice per format; growth shows between the first and the second half. */
export const runMemory = async (cases, settings, count) => {
  const results = []
  for (const format of ['es256', 'opaque']) {
    const side = cases.find(({ name }) => name === format).sides.find(({ ours }) => ours)
    const { server, script } = await startSide(side, createWorld(settings.directory))
    try {
      const idle = residentMegabytes(server.pid)
      const after = []
      for (let total = 0, next = count / 2; next <= 2 * count; ) {
        total += (await load(server, script, 1)).requests
        if (total < next) continue
        after.push({ tokens: total, megabytes: residentMegabytes(server.pid) })
        next += count / 2
      }
      results.push({ format: side.name && format, idle, after })
    } finally {
      await server.stop()
    }
  }
  return results
}
