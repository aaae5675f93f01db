/**
 * Works on items, so many at a time, in their order; begins with no more once the signal has fired or work on one has
 * failed. What was begun is over when it returns, or throws what the first one threw.
 */
export async function forEachOf<Item>(
  items: readonly Item[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let broken = false
  async function worker(): Promise<void> {
    while (next < items.length && !signal.aborted && !broken)
      await work(items[next++]!).catch(error => {
        broken = true
        throw error
      })
  }
  await allOf(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}

/** All results, once all are there; throws what the first one that failed threw, and leaves nothing running. */
export async function allOf<Result>(under: readonly Promise<Result>[]): Promise<Result[]> {
  const ended = await Promise.allSettled(under)
  return ended.map(one => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
