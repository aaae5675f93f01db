/** So many rows in one statement: both engines allow that many parameters. */
const atOnce = 500

/** Items in groups that one statement can take. */
export function groups<Item>(items: readonly Item[]): Item[][] {
  const made: Item[][] = []
  for (let at = 0; at < items.length; at += atOnce) made.push(items.slice(at, at + atOnce))
  return made
}
