import { randomFillSync } from 'node:crypto'

const poolBytes = 8192

/**
 * Strong random bytes, asked for in bulk: one call into the generator serves hundreds of token ids. Each byte is
 * handed out once and wiped from the pool.
 */
export function createRandom(): (bytes: number) => Buffer {
  const pool = Buffer.alloc(poolBytes)
  let next = poolBytes
  return bytes => {
    if (bytes > poolBytes / 8) return randomFillSync(Buffer.alloc(bytes))
    if (next + bytes > poolBytes) {
      randomFillSync(pool)
      next = 0
    }
    const taken = Buffer.from(pool.subarray(next, next + bytes))
    pool.fill(0, next, next + bytes)
    next += bytes
    return taken
  }
}
