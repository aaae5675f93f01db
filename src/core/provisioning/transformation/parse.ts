import { comparisons } from './compare.ts'
import type { Json } from './json.ts'
import { PathScanner } from './paths.ts'
import { patternOf, wrongFlags } from './pattern.ts'
import { type Call, calls } from './predicates.ts'
import type { Condition, Operand, Path, WrittenCondition } from './syntax.ts'
import { insertionAt, parseText } from './text.ts'

const maxNesting = 30

/** Reads a path such as `$.emails[?(@.primary == true)].value`. @throws Malformed */
export function parsePath(source: string): Path {
  const parser = new Parser(source)
  const path = parser.path()
  parser.end()
  return path
}

/** Reads a condition such as `($.emails EMPTY false) && isValidEmail($.emails[0].value)`. @throws Malformed */
export function parseCondition(source: string): WrittenCondition {
  const parser = new Parser(source)
  const condition = parser.or()
  parser.end()
  return { source, condition }
}

const word = /[A-Za-z]+/y
const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const symbol = /===|!==|==|!=|<=|>=|=~|<|>/y
const regularExpression = /\/((?:[^/\\\n]|\\.)+)\/([A-Za-z]*)/y
const propertyKey = /[A-Za-z0-9_][A-Za-z0-9_.-]*/y

/** A parser by recursive descent. */
class Parser extends PathScanner {
  #nesting = 0

  or(): Condition {
    const parts = this.#joined('||', () => this.#and())
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  #and(): Condition {
    const parts = this.#joined('&&', () => this.#not())
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  #joined(sign: string, part: () => Condition): Condition[] {
    const parts = [part()]
    while (this.take(sign)) parts.push(part())
    return parts
  }

  #not(): Condition {
    this.space()
    if (this.#nesting++ > maxNesting) this.fail('is nested too deeply')
    const read = this.#operation()
    this.#nesting--
    return read
  }

  #operation(): Condition {
    if (this.source[this.at] === '!') {
      this.at++
      return { kind: 'not', part: this.#not() }
    }
    if (this.take('(')) {
      const inner = this.or()
      this.expect(')')
      return inner
    }
    return this.#call() ?? this.#comparison()
  }

  #comparison(): Condition {
    const left = this.#operand()
    if (this.take('=~', symbol)) return this.#matching(left)
    const operator = this.#operator()
    if (operator === undefined) return this.#existence(left)
    const right = this.#operand()
    if (operator !== 'EMPTY') return { kind: 'compare', operator, left, right }
    if (right.kind !== 'literal' || typeof right.value !== 'boolean')
      return this.fail('after EMPTY comes true or false')
    return { kind: 'empty', operand: left, wanted: right.value }
  }

  #existence(operand: Operand): Condition {
    const standsAlone =
      operand.kind === 'path' || (operand.kind === 'literal' && typeof operand.value === 'boolean')
    return standsAlone ? { kind: 'exists', operand } : this.fail('an operator was expected')
  }

  #matching(operand: Operand): Condition {
    this.space()
    const found = this.match(regularExpression)
    if (!found) return this.fail('a regular expression such as /A.*/ was expected')
    const flags = wrongFlags(found[2]!)
    if (flags !== undefined) return this.fail(flags)
    const { pattern, wrong } = patternOf(parseText(found[1]!.replaceAll('\\/', '/')), found[2])
    return wrong === undefined ? { kind: 'matches', operand, pattern } : this.fail(wrong)
  }

  #operator(): string | undefined {
    this.space()
    const sign = this.match(symbol)?.[0]
    if (sign !== undefined) return sign
    const before = this.at
    const name = this.match(word)?.[0].toUpperCase()
    if (name === undefined) return undefined
    if (name === 'EMPTY' || Object.hasOwn(comparisons, name)) return name
    this.at = before
    return this.fail('an operator was expected')
  }

  #operand(): Operand {
    this.space()
    const next = this.source[this.at]
    if (next === '$' && this.source[this.at + 1] === '{') return this.#inserted()
    if (next === '%') return this.#inserted()
    if (next === '$' || next === '@') return { kind: 'path', path: this.path() }
    if (next === "'" || next === '"') return { kind: 'text', text: this.text() }
    if (this.take('[')) return this.#list()
    const digits = this.match(number)?.[0]
    return { kind: 'literal', value: digits === undefined ? this.#literal() : Number(digits) }
  }

  #inserted(): Operand {
    const found = insertionAt(this.source, this.at)
    if (!found) return this.fail('the name of a property between % or of a variable was expected')
    const text = parseText(this.source.slice(this.at, found.end))
    this.at = found.end
    return { kind: 'inserted', text }
  }

  #literal(): Json {
    const name = this.match(word)?.[0] ?? ''
    if (Object.hasOwn(literals, name)) return literals[name]!
    this.at -= name.length
    return this.fail('a path, a text in quotes, a number, true, false or null was expected')
  }

  #list(): Operand {
    const items: Operand[] = []
    if (this.take(']')) return { kind: 'list', items }
    do {
      if (this.#nesting++ > maxNesting) this.fail('is nested too deeply')
      items.push(this.#operand())
      this.#nesting--
    } while (this.take(','))
    this.expect(']')
    return { kind: 'list', items }
  }

  #call(): Condition | undefined {
    const before = this.at
    const name = this.match(word)?.[0]
    if (name === undefined || !this.take('(')) {
      this.at = before
      return undefined
    }
    const call: Call | undefined = Object.hasOwn(calls, name) ? calls[name] : undefined
    if (!call) {
      this.at = before
      return this.fail(`there is no function ${name} for conditions`)
    }
    const path = call.takes === 'nothing' ? undefined : this.path()
    const property = call.takes === 'path and property' ? this.#property() : ''
    this.expect(')')
    return { kind: 'call', name, path, property }
  }

  #property(): string {
    this.expect(',')
    this.space()
    return this.match(propertyKey)?.[0] ?? this.fail('the name of a property was expected')
  }
}

const literals: Readonly<Record<string, Json>> = { true: true, false: false, null: null }
