import { isSafeName } from './json.ts'
import { Scanner } from './scanner.ts'
import type { Condition, Path, Segment } from './syntax.ts'
import { insertionAt, parseText, type Text } from './text.ts'

const maxSegments = 50
const maxIndex = 1000
const dotName = /(?:\$(?!\{)|[^\s.,;:[\](){}=!<>&|~'"/*?%\\$])(?:\$(?!\{)|[^\s.,;[\](){}=!<>&|~'"/*?%\\$])*/y
const wholeNumber = /-?\d{1,9}(?![\d.eE])/y

/** The half of the parser that reads paths. Filters in them hold conditions, which the other half reads. */
export abstract class PathScanner extends Scanner {
  protected abstract or(): Condition

  path(): Path {
    this.space()
    const start = this.at
    const from = this.source[this.at]
    if (from !== '$' && from !== '@') return this.fail('a path begins with $ or @')
    this.at++
    const segments = this.#segments()
    return {
      source: this.source.slice(start, this.at),
      from,
      segments,
      definite: segments.every(isDefinite),
    }
  }

  #segments(): Segment[] {
    const segments: Segment[] = []
    while (true) {
      const next = this.source[this.at]
      if (next === '[') segments.push(this.#brackets())
      else if (next === '.') segments.push(...this.#dots())
      else return segments
      if (segments.length > maxSegments) this.fail(`a path has at most ${maxSegments} parts`)
      if (segments.at(-1)!.kind === 'length') return segments
    }
  }

  #dots(): Segment[] {
    this.at++
    if (this.source[this.at] === '.') {
      this.at++
      return [{ kind: 'descent' }, this.source[this.at] === '[' ? this.#brackets() : this.#named()]
    }
    return [this.source[this.at] === '[' ? this.#brackets() : this.#named()]
  }

  #named(): Segment {
    if (this.source[this.at] === '*') {
      this.at++
      return { kind: 'wildcard' }
    }
    const start = this.at
    while (this.match(dotName) || this.#skipInsertion());
    const name = this.source.slice(start, this.at)
    if (name === '') return this.fail('the name of a member was expected')
    if (!this.source.startsWith('()', this.at)) return { kind: 'child', names: [this.#safe(parseText(name))] }
    if (name !== 'length') return this.fail(`there is no function ${name}, but length()`)
    this.at += 2
    return { kind: 'length' }
  }

  #skipInsertion(): boolean {
    const found = insertionAt(this.source, this.at)
    if (found) this.at = found.end
    return found !== undefined
  }

  #brackets(): Segment {
    this.at++
    this.space()
    const segment = this.#inBrackets()
    this.expect(']')
    return segment
  }

  #inBrackets(): Segment {
    const next = this.source[this.at]
    if (this.take('*')) return { kind: 'wildcard' }
    if (next === '?') return this.#filter()
    if (next === "'" || next === '"') return { kind: 'child', names: this.#names() }
    const first = this.#index()
    if (this.take(':')) return { kind: 'slice', from: first, to: this.#index() }
    if (first === undefined) return this.fail('an index, a name in quotes, * or a filter ?(...) was expected')
    const indexes = [first]
    while (this.take(',')) indexes.push(this.#index() ?? this.fail('an index was expected'))
    return { kind: 'index', indexes }
  }

  #filter(): Segment {
    this.at++
    this.expect('(')
    const condition = this.or()
    this.expect(')')
    return { kind: 'filter', condition }
  }

  #names(): Text[] {
    const names = [this.#safe(this.text())]
    while (this.take(',')) {
      this.space()
      names.push(this.#safe(this.text()))
    }
    return names
  }

  #safe(name: Text): Text {
    const literal = name.literal
    return literal === undefined || isSafeName(literal)
      ? name
      : this.fail(`no member may be named ${literal}`)
  }

  #index(): number | undefined {
    this.space()
    const found = this.match(wholeNumber)
    if (!found) return undefined
    const index = Number(found[0])
    return Math.abs(index) <= maxIndex ? index : this.fail(`an index is at most ${maxIndex}`)
  }
}

function isDefinite(segment: Segment): boolean {
  if (segment.kind === 'child') return true
  if (segment.kind === 'index') return segment.indexes.length === 1
  return segment.kind === 'length'
}
