import { Malformed } from './malformed.ts'
import { parseText, type Text } from './text.ts'

const maxSource = 4000
const quoted = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/sy

/** Reads a source from the left to the right. Each method reads what it is named after from where the last one stopped. */
export class Scanner {
  readonly source: string
  at = 0

  constructor(source: string) {
    this.source = source
    if (source.length > maxSource) this.fail(`is longer than ${maxSource} characters`)
  }

  end(): void {
    this.space()
    if (this.at < this.source.length) this.fail('the end was expected')
  }

  text(): Text {
    const found = this.match(quoted)
    if (!found) return this.fail('a text in quotes was expected')
    return parseText((found[1] ?? found[2]!).replace(/\\(.)/gs, '$1'))
  }

  space(): void {
    while (/\s/.test(this.source[this.at] ?? '')) this.at++
  }

  /** Steps over a sign, if it comes next. With `among`, only if it is the whole of what that matches there. */
  take(sign: string, among?: RegExp): boolean {
    this.space()
    const comes = among ? this.#peek(among) === sign : this.source.startsWith(sign, this.at)
    if (comes) this.at += sign.length
    return comes
  }

  #peek(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    return pattern.exec(this.source)?.[0]
  }

  expect(sign: string): void {
    if (!this.take(sign)) this.fail(`${sign} was expected`)
  }

  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.source)
    if (!found) return undefined
    this.at = pattern.lastIndex
    return found
  }

  fail(says: string): never {
    throw new Malformed(`${this.source.slice(0, 200)}: ${says} at character ${this.at + 1}`)
  }
}
