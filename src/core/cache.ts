/**
 * A bounded map that forgets what was not used for longest, roughly: two generations, so that a hit costs one
 * lookup. Holds between `size` and `2 * size` entries.
 */
export class BoundedCache<Value> {
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  deleteWhere(matches: (value: Value) => boolean): void {
    for (const map of [this.#young, this.#old])
      for (const [key, value] of map) if (matches(value)) map.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
