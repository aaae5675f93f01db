// Countersign beside its peers, in one run: npm run bench [-- --quick] [--only NAME] [--json FILE] [--profile DIR]
// Nothing here fails by the clock: goals are printed beside what was measured. A wrong answer does fail.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { continueUnderNewNode } from '../scripts/node.mjs'

await continueUnderNewNode()
const { runCase, runTls } = await import('./rounds.mjs')
const { cases: usual } = await import('./cases.mjs')
const { certificateCases } = await import('./certificate-cases.mjs')
const { identityCases } = await import('./identity-cases.mjs')
const { runMemory } = await import('./memory.mjs')
const { runStart } = await import('./start.mjs')
const { runProvisioning, printProvisioning, printProvisioningSummary } = await import(
  './provisioning-cases.mjs'
)
const { printCase, printConditions, printMemory, printStart, printSummary } = await import('./report.mjs')

const cases = [...usual, ...certificateCases, ...identityCases]
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})
const others = {
  tls: 'token and flow over TLS',
  memory: 'memory after 200 000 tokens',
  start: 'start-up',
  provisioning: 'a full copy of one SCIM server to another',
}
const known = [...cases.map(({ name }) => name), ...Object.keys(others)]
const unknown = given.only?.find(name => !known.includes(name))
if (unknown) {
  console.error(`There is no case ${unknown}; there are ${known.join(', ')}.`)
  process.exit(2)
}
const wanted = name => !given.only || given.only.includes(name)
const settings = {
  rounds: given.quick ? 2 : 5,
  seconds: given.quick ? 1 : 3,
  warmUpSeconds: given.quick ? 1 : 3,
  profile: given.profile,
  directory: mkdtempSync(join(tmpdir(), 'countersign-bench-')),
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
process.on('exit', () => rmSync(settings.directory, { recursive: true, force: true }))

const results = { conditions: printConditions(settings), cases: [] }
for (const each of cases) {
  if (!wanted(each.name)) continue
  const result = await runCase(each, settings)
  results.cases.push(result)
  printCase(result)
}
if (wanted('tls')) {
  results.tls = []
  for (const each of cases.filter(({ tls }) => tls)) {
    const result = await runTls(each, settings)
    results.tls.push(result)
    printCase(result)
  }
}
if (wanted('memory')) {
  results.memory = await runMemory(cases, settings, given.quick ? 20_000 : 200_000)
  printMemory(results.memory)
}
if (wanted('start')) {
  results.start = await runStart(settings)
  printStart(results.start)
}
if (wanted('provisioning')) {
  results.provisioning = await runProvisioning({
    rounds: given.quick ? 1 : 3,
    quick: given.quick,
    profile: given.profile,
  })
  printProvisioning(results.provisioning)
}
printSummary(results)
if (results.provisioning) printProvisioningSummary(results.provisioning)
if (given.json) writeFileSync(given.json, `${JSON.stringify(results, null, 2)}\n`)
const wrong = [...results.cases, ...(results.tls ?? [])].flatMap(({ complaints }) => complaints)
for (const complaint of wrong) console.log(`WRONG ANSWERS: ${complaint}`)
process.exit(wrong.length > 0 ? 1 : 0)
