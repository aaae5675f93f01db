import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, done, json, refused, write } from './world.ts'

interface Material {
  readonly name: string
  readonly type: string
  readonly content: Record<string, unknown>
}

const secret = 'nobody-sees-this'

test('credentials are kept from a file, listed without what is secret, and deleted', async () => {
  write(
    'oauth.json',
    JSON.stringify({
      description: 'Orders',
      tokenServiceUrl: 'https://login.example/token',
      clientId: 'erp',
      clientSecret: secret,
    }),
  )
  write('user.json', JSON.stringify({ user: 'me', password: secret }))
  assert.match(
    (await done('material create erp --type oauth2-client-credentials -c $oauth.json')).out,
    /^Security material erp of type oauth2-client-credentials kept\.\n$/,
  )
  const made = await json<Material>('material create person --type user -c $user.json')
  assert.deepEqual([made.name, made.type, made.content], ['person', 'user', { user: 'me' }])
  const parameter = await cli(
    'material create parameter --type secure-parameter -c -',
    JSON.stringify({ secureParam: secret }),
  )
  assert.equal(parameter.status, 0, parameter.err)
  const shown = await done('material list')
  assert.match(shown.out, /erp +oauth2-client-credentials +.*erp at https:\/\/login\.example\/token +Orders/)
  const listed = await done('material list --json')
  assert.deepEqual(
    listed.json<Material[]>().map(({ name }) => name),
    ['erp', 'parameter', 'person'],
  )
  for (const { out } of [shown, listed]) assert.ok(!out.includes(secret))
  await done('material create person --type user -c $user.json --replace')
  await done('material delete person')
  await refused('material delete person', /there is no security material person/)
})

test('what is wrong is refused with the reason, which repeats no secret', async () => {
  write('wrong.json', JSON.stringify({ user: 'me', pasword: secret }))
  write('broken.json', `{"password":"${secret}"`)
  for (const [line, words, status] of [
    ['material create x --type user -c $wrong.json', /pasword is no known member, the nearest is password/],
    ['material create x --type users -c $user.json', /Did you mean user\?/],
    [
      'material create erp --type oauth2-client-credentials -c $oauth.json',
      /there is security material erp already/,
    ],
    ['material create x --type user -c $broken.json', /is not JSON/, 2],
    ['material create x --type user -c $missing.json', /there is no such file/, 2],
    [`material create x --type user -c {"password":"${secret}"}`, /does not belong on a command line/, 2],
    ['material create x -c $user.json', /--type/, 2],
    ['material create x --type user', /--content/, 2],
  ] as const) {
    const { err } = await refused(line, words, status)
    assert.ok(!err.includes(secret), line)
  }
})
