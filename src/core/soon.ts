/**
 * A value, or the promise of one that has to be read first. What most requests need is in memory, and then nothing
 * waits for a turn of the event loop.
 */
export type Soon<Value> = Value | Promise<Value>

/** Goes on with a value: at once when it is there, else when it comes. */
export function after<Value, Next>(value: Soon<Value>, next: (value: Value) => Soon<Next>): Soon<Next> {
  return value instanceof Promise ? value.then(next) : next(value)
}
