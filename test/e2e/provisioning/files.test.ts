import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { counts, startWorld, type World } from './world.ts'

let world: World
let cloud: ScimServer
let folder: string
before(async () => {
  ;[world, cloud] = await Promise.all([startWorld(undefined), startScimServer(undefined)])
  folder = world.server.server.services.files.folder('default')
  mkdirSync(folder, { recursive: true })
  await world.scim('cloud', 'target', cloud)
  await world.system('people', 'file', 'source', { 'file.users': 'people.csv', targets: 'cloud' })
})
after(async () => {
  await world.server.close()
  await cloud.stop()
})

const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)
const user = async (userName: string) => (await cloud.list('Users')).find(one => one.userName === userName)

test('a CSV file whose first line names attributes is a source', async () => {
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
  write(
    'people.csv',
    [
      `\ufeffid,userName,name.givenName,name.familyName,emails[0].value,active,${enterprise}:costCenter`,
      '1,ada,Ada,"Lovelace, Countess",ada@example.com,true,4711',
      '2,jörg,Jörg,"says ""hello""\r\nand more",,false,',
    ].join('\r\n'),
  )
  const job = await world.run('people')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(counts(job, 'cloud'), { created: 2 })
  const ada = (await user('ada'))!
  assert.deepEqual(ada.name, { givenName: 'Ada', familyName: 'Lovelace, Countess' })
  assert.deepEqual(ada.emails, [{ value: 'ada@example.com' }])
  assert.equal(ada.active, true)
  assert.deepEqual(ada[enterprise], { costCenter: '4711' })
  assert.equal((await user('jörg'))?.active, false)
})

test('a second job writes nothing, and a line that is gone is a user that is gone', async () => {
  assert.deepEqual(counts(await world.run('people'), 'cloud'), { skipped: 2 })
  write('people.csv', 'id,userName\n1,ada\n')
  assert.deepEqual(counts(await world.run('people'), 'cloud'), { updated: 1, deleted: 1 })
})

test('groups hold members by the ids of the file of users', async () => {
  write('groups.csv', 'displayName,members\nFirst,1\nNobody,\n')
  await world.set('people', { 'file.groups': 'groups.csv' })
  const job = await world.run('people')
  assert.deepEqual(counts(job, 'cloud', 'group'), { created: 2 }, JSON.stringify(job))
  const first = (await cloud.list('Groups')).find(({ displayName }) => displayName === 'First')!
  assert.equal((first.members as { value: string }[])[0]?.value, (await user('ada'))?.id)
  await world.set('people', { 'file.groups': null })
})

test('JSON is a source as SCIM has it: a list, or an object with Resources', async () => {
  for (const [content, name] of [
    ['[{"id":"7","userName":"of-a-list"}]', 'of-a-list'],
    ['{"Resources":[{"id":7,"userName":"of-resources"}]}', 'of-resources'],
  ] as const) {
    write('people.json', content)
    await world.set('people', { 'file.users': 'people.json' })
    assert.equal((await world.run('people')).status, 'Success')
    assert.ok(await user(name))
  }
  await world.set('people', { 'file.users': 'people.csv' })
})

describe('a file that is broken changes nothing', () => {
  const broken: readonly [title: string, content: string | Buffer, words: RegExp][] = [
    ['a line with a column less', 'id,userName\n1,ada\n2\n', /people\.csv: is not CSV in UTF-8: .*line 3/],
    ['a quote that is not closed', 'id,userName\n1,"ada\n', /Quote Not Closed/],
    ['two lines of one id', 'id,userName\n1,ada\n1,eve\n', /people\.csv has two entities of id "1"/],
    ['another encoding', Buffer.from('id,userName\n1,J\xf6rg\n', 'latin1'), /not CSV in UTF-8/],
    [
      'a column that would reach objects',
      'id,__proto__.admin\n1,true\n',
      /line 1 has a column that names no attribute/,
    ],
    ['nothing at all', '', /people reported no user at all/],
    ['a headline alone', 'id,userName\n', /people reported no user at all/],
  ]
  before(async () => {
    await world.api('POST', '/provisioning/systems/people/reset')
    await cloud.preload({})
    write('people.csv', 'id,userName\n1,ada\n')
    assert.equal((await world.run('people')).status, 'Success')
  })
  for (const [title, content, words] of broken)
    test(title, async () => {
      write('people.csv', content)
      const job = await world.run('people')
      assert.equal(job.status, 'Finished with Error')
      assert.match(job.error ?? '', words)
      assert.equal((await cloud.list('Users')).length, 1)
    })

  test('no file', async () => {
    await world.set('people', { 'file.users': 'absent.csv' })
    const job = await world.run('people')
    assert.match(job.error ?? '', /there is no file absent\.csv in /)
  })

  test('a link to somewhere else', async () => {
    symlinkSync('/etc/hostname', join(folder, 'link.csv'))
    await world.set('people', { 'file.users': 'link.csv' })
    const job = await world.run('people')
    assert.match(job.error ?? '', /link\.csv/)
    assert.equal(job.status, 'Finished with Error')
  })
})

describe('a name of a file', () => {
  for (const name of [
    '../admin.json',
    '/etc/passwd.csv',
    'a/b.csv',
    '.hidden.csv',
    'people.txt',
    'people.csv/..',
  ])
    test(`leads nowhere else: ${name}`, async () => {
      const answer = await world.set('people', { 'file.users': name })
      assert.equal(answer.status, 400)
    })
})
