import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Job } from '../provisioning/world.ts'
import {
  cli,
  done,
  json,
  launch,
  mode,
  provide,
  read,
  refused,
  server,
  source,
  target,
  write,
} from './provisioning-world.ts'

interface CertificateEntry {
  readonly fingerprint: string
  readonly active: boolean
}

const written = (job: Job, system: string) => {
  const row = job.statistics.find(one => one.system === system && one.entityType === 'user')!
  return [row.created, row.updated, row.deleted, row.skipped, row.failed]
}

describe('OAuth certificate authentication, in the described six steps', () => {
  test('a source, and a target of one of the described types', async () => {
    await source.preload({ users: 3 })
    const made = await done('provisioning system create hr --type scim --role source')
    assert.match(made.out, /^System hr created[\s\S]+Next: countersign provisioning system set hr URL=\.\.\./)
    await done(`provisioning system set hr URL=${source.url}`)
    const line = 'provisioning system create zone --type sap-build-work-zone-advanced --role target'
    const zone = await done(`${line} URL=${target.url} ips.failed.request.retry.attempts.interval=0`)
    assert.match(zone.out, /set zone Authentication=\.\.\. OAuth2TokenServiceURL=\.\.\./)
    const linked = await done('provisioning system set hr targets=zone')
    assert.match(linked.out, /Next: countersign provisioning job run hr --type validate --wait/)
  })

  test('1 to 3: Authentication, OAuth2TokenServiceURL and client_id are set', async () => {
    await done('tenant create partner')
    await done('trust add $root.pem --tenant partner')
    await done('provisioning system set zone Authentication=ClientCertificateAuthentication')
    const { out } = await done(
      `provisioning system set zone OAuth2TokenServiceURL=${server.mtls}/tenants/partner/oauth/token`,
    )
    assert.match(out, /set zone client_id=\.\.\./)
    await refused('provisioning job run hr --wait', /Finished with Error/)
  })

  test('4: the certificate is generated and downloaded', async () => {
    await done('provisioning certificate list zone').then(({ out }) =>
      assert.match(out, /none yet. Next: countersign provisioning certificate generate zone/),
    )
    const { out } = await done('provisioning certificate generate zone')
    assert.match(out, /^Certificate generated successfully\.\n/)
    assert.match(out, /active +in 3\d\d days +valid +RSA 2048 +.*CN=zone/)
    assert.match(out, /Upload it at zone: countersign provisioning certificate download zone FILE/)
    const [{ fingerprint } = { fingerprint: '' }] = await json<CertificateEntry[]>(
      'provisioning certificate list zone',
    )
    await done('provisioning certificate download zone $zone.pem')
    assert.equal(mode('zone.pem'), '644')
    const certificate = new X509Certificate(read('zone.pem'))
    assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint)
    await done(
      `provisioning certificate download zone $chain.pem --chain --fingerprint ${fingerprint.slice(0, 12)}`,
    )
    assert.ok(read('chain.pem').startsWith(read('zone.pem')))
    assert.ok(read('chain.pem').endsWith(read('root.pem')))
    assert.equal((await done('provisioning certificate download zone -')).out, read('zone.pem'))
    const saved = await json<{ file: string; fingerprint: string }>(
      'provisioning certificate download zone $again.pem',
    )
    assert.equal(saved.fingerprint, fingerprint)
  })

  test('5: it is uploaded at the other side, which gives a client id', async () => {
    const [, issuing] = read('chain.pem').split(/(?<=-----END CERTIFICATE-----\n)/)
    write('issuing.pem', issuing!)
    await done('trust add $issuing.pem --tenant partner', /they complete chains/)
    await done('instance create zone --tenant partner')
    const { clientid } = await json<{ clientid: string }>(
      'key create zone countersign --type certificate_external --certificate $zone.pem --tenant partner',
    )
    const { out } = await done(`provisioning system set zone client_id=${clientid}`)
    assert.match(out, /With a certificate: countersign provisioning certificate list zone/)
  })

  test('6: a job runs, with a token got by the certificate', async () => {
    const checked = await done('provisioning job run hr --type validate --wait')
    assert.match(checked.out, /✓ +hr +properties[\s\S]+✓ +zone +connection/)
    await target.forget()
    const job = JSON.parse((await done('provisioning job run hr --wait --json')).out) as Job
    assert.equal(job.status, 'Success')
    assert.deepEqual(written(job, 'zone'), [3, 0, 0, 0, 0])
    assert.equal((await target.list('Users')).length, 3)
    const requests = await target.requests()
    for (const { certificate, authorization } of requests) {
      assert.equal(certificate, 'zone')
      assert.match(authorization ?? '', /^Bearer ey/)
    }
  })

  test('a certificate that the other side has not been given is refused, and the old one goes on', async () => {
    const first = (await json<CertificateEntry[]>('provisioning certificate list zone'))[0]!.fingerprint
    const generated = await done('provisioning certificate generate zone')
    assert.match(
      generated.out,
      /it waits to be activated[\s\S]+inactive[\s\S]+Then: countersign .* activate zone/,
    )
    await refused(
      'provisioning certificate generate zone',
      /has two certificates[\s\S]+hint: Delete the inactive/,
    )
    const held = await json<CertificateEntry[]>('provisioning certificate list zone')
    const second = held.find(({ active }) => !active)!.fingerprint
    await refused(`provisioning certificate delete zone ${first}`, /is active/)
    const activated = await done(`provisioning certificate activate zone ${second}`)
    assert.match(activated.out, /is shown this certificate from now on/)
    await source.touch({ oneOf: 1, title: 'Engineer' })
    const failed = await refused('provisioning job run hr --wait', /job .* of hr: Finished with Error/)
    assert.match(failed.out, /OAuth request failed with status: 401/)
    await done(`provisioning certificate activate zone ${first.toUpperCase()}`)
    const job = await json<Job>('provisioning job run hr --wait')
    assert.deepEqual(written(job, 'zone'), [0, 3, 0, 0, 0])
    await done(`provisioning certificate delete zone ${second}`)
    await refused(`provisioning certificate activate zone ${second}`, /has no one certificate of fingerprint/)
  })

  test('30 days before its end it is warned of', async () => {
    const ahead = 340 * 86_400_000
    const warned = await done(
      'provisioning certificate list zone',
      /^warning: the active certificate: in \d+ days\. Make its successor: countersign provisioning certificate generate zone/,
      { ahead },
    )
    assert.match(warned.out, /active +in \d+ days/)
  })
})

describe('a CSV file to a SCIM target', () => {
  const header = 'userName,name.givenName,name.familyName,emails[0].value'
  const anna = 'anna,Anna,Ash,anna@example.org'
  const bert = 'bert,Bert,Birch,bert@example.org'
  const cora = 'cora,Cora,Cedar,cora@example.org'
  let firstJob: Job

  test('what would happen, what happens, and what has happened', async () => {
    await source.preload({})
    provide('people.csv', [header, anna, bert])
    await done('provisioning system create desk --type scim --role target')
    await done(`provisioning system set desk URL=${source.url} ips.failed.request.retry.attempts.interval=0`)
    await done('provisioning system create people --type file --role source file.users=people.csv')
    await refused('provisioning job run people', /has no targets[\s\S]+set people targets=/)
    await done('provisioning system set people targets=desk ips.trace.created.entity=true')
    const simulated = await json<Job>('provisioning job run people --type simulate --wait')
    assert.deepEqual(written(simulated, 'desk'), [2, 0, 0, 0, 0])
    assert.equal((await source.list('Users')).length, 0)

    const ran = await done('provisioning job run people --wait')
    assert.match(ran.out, /^Status +Success$/m)
    assert.match(ran.out, /^Read mode +Full Read$/m)
    assert.match(ran.out, /^SYSTEM +ACTION +ENTITY +READ +CREATED +UPDATED +DELETED +SKIPPED +FAILED$/m)
    assert.match(ran.out, /^desk +Write +user +0 +2 +0 +0 +0 +0$/m)
    const names = (await source.list('Users')).map(({ userName }) => userName)
    assert.deepEqual(names.toSorted(), ['anna', 'bert'])
    const [newest] = await json<Job[]>('provisioning job list people --limit 1')
    firstJob = newest!
    const log = await json<Job>(`provisioning job log ${firstJob.id}`)
    assert.deepEqual(written(log, 'desk'), [2, 0, 0, 0, 0])
  })

  test('the log of single entities, and how to get what it has not', async () => {
    const created = await done(`provisioning job log ${firstJob.id} --created`)
    assert.match(created.out, /^desk +user +anna +created as \S+ +<hidden content>$/m)
    const lines = await json<{ entityId: string }[]>(`provisioning job log ${firstJob.id} --created`)
    assert.deepEqual(lines.map(({ entityId }) => entityId).toSorted(), ['anna', 'bert'])
    for (const log of ['skipped', 'updated', 'deleted']) {
      const { out } = await done(`provisioning job log ${firstJob.id} --${log}`)
      assert.match(out, new RegExp(`No line\\..*system set people ips\\.trace\\.${log}\\.entity=true`))
    }
    assert.equal((await done(`provisioning job log ${firstJob.id} --failed`)).out, 'Nothing failed.\n')
  })

  test('who is not in the file any more is deleted, but not more than the threshold allows', async () => {
    provide('people.csv', [header, cora])
    const simulated = await json<Job>('provisioning job run people --type simulate --wait')
    assert.deepEqual(written(simulated, 'desk'), [1, 0, 2, 0, 0])
    assert.equal((await source.list('Users')).length, 2)
    await done('provisioning system set desk ips.delete.threshold.users=1')
    const { out } = await refused('provisioning job run people --wait', /Finished with Error/)
    assert.match(out, /2 users would be deleted in desk, more than ips\.delete\.threshold\.users=1 allows/)
    assert.match(out, /^FAILED IN +ENTITY +ID +WHY$/m)
    await done('provisioning system set desk ips.delete.threshold.users=')
    const job = await json<Job>('provisioning job run people --wait')
    assert.deepEqual(written(job, 'desk'), [0, 0, 2, 1, 0])
    const again = await json<Job>('provisioning job run people --type resync --wait')
    assert.deepEqual(written(again, 'desk'), [0, 1, 0, 0, 0])
  })

  test('a terminal shows what the job does, on one line that goes away', async () => {
    const { err } = await cli('provisioning job run people --wait', { columns: 40 })
    const [before, first, ...more] = err.split('\r\u001b[K')
    assert.deepEqual([before, first, more.at(-1)], ['', 'Queued', ''])
    for (const line of more) assert.ok(line.length < 40)
  })

  test('what was forgotten is found again in the target, and counts as there before', async () => {
    const { out } = await done('provisioning system reset people')
    assert.match(out, /counts as there before/)
    const job = await json<Job>('provisioning job run people --wait')
    assert.deepEqual(written(job, 'desk'), [0, 1, 0, 0, 0])
  })

  test('it is read every hour, and no longer', async () => {
    const { out } = await done('provisioning job schedule people --every 60')
    assert.match(out, /^people is read every 60 min, next .*\(in (59 min|1 h)\)\.$/m)
    assert.match((await done('provisioning system show people')).out, /^Schedule +every 60 min/m)
    await refused('provisioning job schedule people --every 30', /more than 30/)
    await done('provisioning job schedule people --off')
    assert.doesNotMatch((await done('provisioning system show people')).out, /Schedule/)
  })
})

describe('a job of a source that does not answer', () => {
  test('a job runs without anybody waiting, and can be stopped', async () => {
    await source.inject({ kind: 'silence' })
    const started = await done('provisioning job run hr')
    const id = /^Job (\S+) of hr is to run\.$/m.exec(started.out)?.[1]
    assert.match(started.out, new RegExp(`Follow it: countersign provisioning job log ${id}`))
    const stopped = await done(`provisioning job stop ${id}`)
    assert.match(stopped.out, /ends as soon as what it has begun is written down/)
    await waitFor(`provisioning job log ${id}`, /^Status +Manually Terminated$/m)
    await refused(`provisioning job stop ${id}`, /has ended: Manually Terminated/)
    await source.heal()
  })

  test('Ctrl-C ends the waiting, not the job', async () => {
    await source.inject({ kind: 'silence' })
    const waiting = launch('provisioning job run hr --wait --json')
    await waitFor('provisioning job list hr', /^\S+ +hr +READ +IMMEDIATE +Running/m)
    waiting.interrupt()
    const { status, out, err } = await waiting.ended
    assert.deepEqual([status, out], [1, ''])
    const id = /not waited for: job (\S+) goes on/.exec(err)?.[1]
    assert.match(err, new RegExp(`hint: See .*job log ${id}.*, or stop it: .*job stop ${id}`))
    assert.match((await done(`provisioning job log ${id}`)).out, /^Status +Running$/m)
    await done(`provisioning job stop ${id}`)
    await waitFor(`provisioning job log ${id}`, /^Status +Manually Terminated$/m)
  })
})

describe('transformations', () => {
  test('are shown, tried, replaced and given back', async () => {
    const { out } = await done('provisioning transformation show people read')
    write('own.json', out)
    const document = JSON.parse(out)
    document.user.mappings.push({ constant: 'Staff', targetPath: '$.userType' })
    write('own.json', JSON.stringify(document))
    write('anna.json', '{"id":"anna","userName":"anna"}')
    const line = 'provisioning transformation try people read $anna.json'
    const tried = await done(`${line} --transformation $own.json`)
    assert.match(tried.out, /^Outcome +mapped$/m)
    assert.match(tried.out, /^\$\.userType +"Staff"$/m)
    assert.doesNotMatch((await done(line)).out, /Staff/)
    const set = await done('provisioning transformation set people read $own.json')
    assert.match(set.out, /has a read transformation of its own[\s\S]+transformation try people read/)
    assert.match((await done(line)).out, /"userType": "Staff"/)
    await done('provisioning transformation reset people read')
    const { own } = await json<{ own: boolean }>('provisioning transformation show people read')
    assert.equal(own, false)
  })

  test('say where a mistake is, and what an entity lacks', async () => {
    write('wrong.json', '{"user":{"mappings":[{"sourcePath":"$.x","functions":[{"function":"toSting"}]}]}}')
    await refused('provisioning transformation set people read $wrong.json', /user\.mappings\[0\]/)
    write('nobody.json', '{}')
    const { out } = await refused('provisioning transformation try people read $nobody.json', /cannot be/)
    assert.match(out, /^Outcome +failed\nReason +user\.mappings/m)
    write('group.json', '{"id":"g","displayName":"G","members":[]}')
    const group = await done(
      'provisioning transformation try desk write $group.json --group --operation update',
    )
    assert.match(group.out, /^Outcome +mapped$/m)
  })
})

describe('systems', () => {
  test('types are listed with what can be set', async () => {
    assert.match((await done('provisioning system types')).out, /^sap-cpq +SAP CPQ +source, target, proxy$/m)
    const { out } = await done('provisioning system types scim')
    assert.match(out, /^Authentication .*ClientCertificateAuthentication/m)
    assert.match(out, /^Password .*@FILE/m)
    assert.match(out, /^targets +source +Names of the systems/m)
    assert.doesNotMatch((await done('provisioning system types file')).out, /ips\.delete\.threshold/)
    await refused('provisioning system types sicm', /no system type sicm[\s\S]+The types are scim, file/)
  })

  test('secrets come from files, and nobody sees them again', async () => {
    write('password', 'correct horse\n')
    const line = 'provisioning system create basic --type scim --role target URL=https://localhost:1/scim'
    await done(`${line} Authentication=BasicAuthentication User=u Password=@$password`)
    await done('provisioning system set basic ips.http.header.X-Key=@-', '', { input: 'key of mine\n' })
    const { out } = await done('provisioning system show basic')
    assert.match(out, /^Password +\(secret\)$/m)
    assert.match(out, /^ips\.http\.header\.X-Key +\(secret\)$/m)
    const shown = JSON.stringify(await json('provisioning system show basic'))
    assert.doesNotMatch(out + shown, /correct horse|key of mine/)
    await done('provisioning system set basic ips.http.header.X-Key=')
    assert.doesNotMatch((await done('provisioning system show basic')).out, /X-Key/)
  })

  test('are listed with what is missing, and deleted', async () => {
    await done('provisioning system create half --type sap-cpq --role target')
    const { out } = await done('provisioning system list')
    assert.match(out, /^people +file +source +desk +people\.csv$/m)
    assert.match(out, /^half +sap-cpq +target +URL, Authentication, OAuth2TokenServiceURL$/m)
    await refused('provisioning system delete desk', /people writes to desk/)
    assert.match((await done('provisioning system delete half')).out, /^System half deleted/)
    await refused('provisioning system show half', /no system half/)
  })
})

describe('wrong usage', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['provisioning system create x --type scim', /--role/],
    ['provisioning system create x --role source', /--type/],
    ['provisioning system create x --type scim --role reader', /Allowed choices are source, target, proxy/],
    ['provisioning system set hr', /missing required argument/],
    ['provisioning system set hr URL', /URL sets nothing: write PROPERTY=VALUE/],
    ['provisioning system set hr =x', /sets nothing/],
    ['provisioning system set hr URL=a URL=b', /URL is there twice/],
    ['provisioning system set hr Password=x', /Password is kept secret.*Write Password=@FILE/],
    ['provisioning system set hr myApiKey=x', /myApiKey is kept secret/],
    ['provisioning system set hr ips.http.header.x-key=x', /everybody on this machine can read it/],
    ['provisioning system create x --type scim --role source Password=x', /Write Password=@FILE/],
    ['provisioning system set hr Password=@$none', /there is no such file/],
    ['provisioning system set hr Password=@-', /standard input is empty/],
    ['provisioning job run hr --type read-all', /Allowed choices are read, delta/],
    ['provisioning job list --limit many', /must be a whole number/],
    ['provisioning job log some-id --failed --created', /are two logs/],
    ['provisioning job schedule hr', /give --every MINUTES or --off/],
    ['provisioning job schedule hr --every 60 --off', /give --every MINUTES or --off/],
    ['provisioning job schedule hr --every hour', /must be a whole number/],
    ['provisioning transformation show hr both', /Allowed choices are read, write/],
    ['provisioning transformation try hr read $root.pem', /is not JSON/],
    ['provisioning transformation try hr read $anna.json --operation create', /goes with write/],
    ['provisioning certificate activate zone', /missing required argument/],
  ]
  for (const [line, words] of cases)
    test(line, async () => {
      await refused(line, words, 2)
    })
})

/** Asks until the answer fits. */
async function waitFor(line: string, words: RegExp): Promise<void> {
  while (!words.test((await done(line)).out));
}
