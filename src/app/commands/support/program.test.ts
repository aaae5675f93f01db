import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { commands } from '../index.ts'
import type { CommandEntry, Define } from './command.ts'
import { Refused, WrongUsage } from './errors.ts'
import { run } from './program.ts'

const entry = (name: string, define: Define): CommandEntry => ({
  name,
  description: `about ${name}`,
  load: async () => ({ define }),
})

async function transcript(args: readonly string[], list: readonly CommandEntry[]) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const status = await run(args, list, {
    env: {},
    stdin: new PassThrough(),
    stdout,
    stderr,
    now: () => 0,
    wait: async () => {},
    onInterrupt: () => () => {},
    random: randomBytes,
  })
  return { status, out: await text(stdout.end()), err: await text(stderr.end()) }
}

const show = entry('show', (command, cli) => {
  command.argument('<NAME>').action((name: string) => {
    const { tenant, json } = cli.options
    cli.terminal.show({ name, tenant, json }, () => `${cli.next('again')}\n`)
  })
})

test('global options stand before or after the command', async () => {
  const document = '{\n  "name": "a",\n  "tenant": "acme",\n  "json": true\n}\n'
  for (const args of [
    ['--json', '--tenant', 'acme', 'show', 'a'],
    ['show', 'a', '--tenant=acme', '--json'],
    ['--tenant', 'acme', 'show', '--json', 'a'],
  ])
    assert.deepEqual(await transcript(args, [show]), { status: 0, out: document, err: '' })
})

test('a command line to try next leads to the same place', async () => {
  const { out } = await transcript(['show', 'a', '--tenant', 'acme', '--ca', 'my ca.pem'], [show])
  assert.equal(out, "countersign again --ca 'my ca.pem' --tenant acme\n")
})

test('only the file of the wanted command is read', async () => {
  const other: CommandEntry = { name: 'other', description: '', load: async () => assert.fail('was read') }
  for (const args of [['show', 'a'], ['--url', 'other', 'show', 'a'], ['help', 'show'], ['--help']])
    assert.equal((await transcript(args, [show, other])).status, 0)
})

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no command', [], /Usage: countersign/],
  ['a command that does not exist', ['shw', 'a'], /unknown command 'shw'\n\(Did you mean show\?\)/],
  ['an option that does not exist', ['show', 'a', '--tenat', 'x'], /unknown option '--tenat'\n.*--tenant/],
  ['a missing argument', ['show'], /missing required argument 'NAME'/],
  ['one argument too many', ['show', 'a', 'b'], /too many arguments/],
  ['an option without its value', ['show', 'a', '--tenant'], /argument missing/],
]
for (const [title, args, words] of wrong) {
  test(`${title} is wrong usage: exit 2, and nothing on stdout`, async () => {
    const { status, out, err } = await transcript(args, [show])
    assert.equal(status, 2)
    assert.equal(out, '')
    assert.match(err, words)
  })
}

test('an argument may begin with a dash: what goes before it is said', async () => {
  const { status, err } = await transcript(['show', '-ebtabnP3aWRd3eASydC2A'], [show])
  assert.equal(status, 2)
  assert.match(err, /^hint: before arguments that begin with - write --, after all options$/m)
  const { out } = await transcript(['show', '--json', '--', '-ebtabnP3aWRd3eASydC2A'], [show])
  assert.equal(JSON.parse(out).name, '-ebtabnP3aWRd3eASydC2A')
})

test('a refusal: exit 1, with reason, hint and correlation id on stderr', async () => {
  const refusing = entry('no', command => {
    command.action(() => {
      throw new Refused('a role\u001b is missing', { hint: 'give it', correlationId: 'c-1' })
    })
  })
  assert.deepEqual(await transcript(['no', '--json'], [refusing]), {
    status: 1,
    out: '',
    err: 'error: a role? is missing\nhint: give it\ncorrelation id: c-1\n',
  })
})

test('what a command finds wrong in its arguments is exit 2 as well', async () => {
  const picky = entry('no', command => {
    command.action(() => {
      throw new WrongUsage('one\ntwo')
    })
  })
  assert.deepEqual(await transcript(['no'], [picky]), { status: 2, out: '', err: 'error: one\ntwo\n' })
})

test('help and version are answers', async () => {
  const help = await transcript(['--help'], [show])
  assert.match(help.out, /show +about show/)
  assert.match((await transcript(['show', '--help'], [show])).out, /Global Options:[\s\S]*--tenant/)
  assert.match((await transcript(['--version'], [show])).out, /^\d+\.\d+\.\d+\n$/)
})

test('every command of the list has help of its own', async () => {
  for (const { name } of commands) {
    const { status, out } = await transcript(['help', name], commands)
    assert.equal(status, 0, name)
    assert.ok(out.startsWith(`Usage: countersign ${name}`), out)
  }
})

test('no option takes a secret: all that hold one are files', async () => {
  for (const { name, load } of commands) {
    const { Command } = await import('commander')
    const command = new Command(name)
    ;(await load()).define(command, {} as never)
    for (const option of [command, ...command.commands].flatMap(each => each.options))
      if (option.required && /secret|password|passphrase|token|key/.test(option.long ?? ''))
        assert.match(
          option.flags,
          /<FILE>|--token-(validity|lifetime|id|version) |--key-length <BITS>/,
          option.flags,
        )
  }
})
