import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, done, json, refused, world, write } from './world.ts'

type Instance = { dialect: string }

test('an instance is of the dialect that was asked for, by option or in the parameters; else of the standard', async () => {
  assert.equal((await json<Instance>('instance create plain')).dialect, 'standard')
  assert.equal((await json<Instance>('instance create vendor --dialect uaa')).dialect, 'uaa')
  write('uaa.json', '{"dialect":"uaa"}')
  assert.equal((await json<Instance>(`instance create file -c ${at('uaa.json')}`)).dialect, 'uaa')
  assert.equal((await json<Instance>('instance show vendor')).dialect, 'uaa')
  assert.match((await done('instance show vendor')).out, /Dialect +uaa/)
  assert.equal((await json<Instance>('instance update vendor --token-validity 7200')).dialect, 'uaa')
  assert.equal((await json<Instance>('instance update vendor --dialect standard')).dialect, 'standard')
})

test('a dialect that no instance can be of is refused, and the right ones are named', async () => {
  for (const wrong of ['neo', 'UAA', 'xsuaa'])
    await refused(`instance create wrong --dialect ${wrong}`, /Allowed choices are standard, uaa/, 2)
  write('neo.json', '{"dialect":"neo"}')
  await refused(`instance create wrong -c ${at('neo.json')}`, /dialect: .*"standard"\|"uaa"/)
})

test('our own token command gets a token with such a key, in both shapes', async () => {
  await done('instance create shaped --dialect uaa')
  for (const shape of ['flat', 'cf']) {
    const key = await done(`key create shaped ${shape} --json --shape ${shape}`, /shown once/)
    write(`${shape}.json`, key.out)
    const { out } = await done(`token --key ${at(`${shape}.json`)}`)
    const answer = await world.call('/http/orders', {
      method: 'POST',
      headers: { Authorization: `Bearer ${out.trim()}` },
    })
    assert.equal(answer.status, 200, answer.text)
    const members = JSON.parse(key.out)
    assert.equal((members.oauth ?? members).xsappname, 'it-rt-default!b1')
  }
})
