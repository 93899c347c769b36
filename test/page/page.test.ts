import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/monitor/ledger.ts'
import type { Box } from '../../src/page/boxes.ts'
import { joined } from '../../src/page/path-model.ts'
import { renderPage } from '../../src/page/page.ts'
import { script } from '../../src/page/script.ts'
import { runbooksUrl } from '../../src/core/runbook.ts'
import { everything } from '../../src/page/view.ts'
import { ago, length } from '../../src/page/format.ts'
import { incidentSeen, statusOf } from '../status/incident.ts'
import { arriving, intoJunk, lostBehind, lostWithRelay } from '../status/arriving.ts'
import { believed, disbelieved, notKnownWhetherBelieved } from '../status/believed.ts'
import { balanced, lagging, unseen } from '../status/balanced.ts'
import {
  deliveringThat,
  hangingSender,
  noWayOut,
  outboxRows,
  outboxThat,
  secondWayOut,
  sesSeen,
  sesThat,
} from '../status/delivering.ts'
import { statuses } from '../status/every.ts'
import { hostile, many, splitBrain } from '../status/extremes.ts'
import { node, primaryFacts, statusFrom } from '../status/looked.ts'
import { excepted, healthy, incident, starting } from '../status/pages.ts'

const about = { version: '1.2.3', configFile: '/etc/mailpath/mailpath.yml' }
const render = (of: Status): string => renderPage(of, about)
const pages = Object.entries(statuses).map(([name, make]) => [name, render(make())] as const)

const db = node('db-1', primaryFacts(1))

/** What is read: without head and markup, white space collapsed. */
const textOf = (markup: string): string =>
  markup
    .replace(/^.*<body>/s, '')
    .replace(/<(script|form).*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replace(/ ([,.:;])/g, '$1')
/** The page without its only script. */
function withoutScript(page: string): string {
  const parts = page.split(`<script>${script}</script>`)
  expect(parts).toHaveLength(2)
  return parts.join('')
}

const titleOf = (markup: string): string => /<title>(.*)<\/title>/.exec(markup)?.[1] ?? ''
/** The parts of the page that begin with such a tag, each up to the next one. */
const partsOf = (markup: string, tag: string): string[] => markup.split(tag).slice(1)
const rowsOf = (markup: string): string[] => partsOf(markup, '<li class="check ')
const rowOf = (markup: string, id: string): string =>
  rowsOf(markup)
    .map(textOf)
    .find(row => row.includes(id)) ?? ''

describe('the answer', () => {
  it.each([
    ['healthy', healthy(), 'Mail can be sent', '✓ Mail can be sent · keybuzz-backend'],
    ['excepted', excepted(), 'Mail can be sent, except …', '! Mail can be sent, except … · keybuzz-backend'],
    ['incident', incident(), 'Mail cannot be sent', '✕ Mail cannot be sent · keybuzz-backend'],
    [
      'starting',
      starting(),
      'Unknown whether mail can be sent',
      '? Unknown whether mail can be sent · keybuzz-backend',
    ],
  ])('of %s stands first, and in the title', (_name, of, sentence, title) => {
    const page = render(of)
    expect(titleOf(page)).toBe(title)
    expect(partsOf(page, '<h2>')[0]).toMatch(new RegExp(`^${sentence}</h2>`))
  })

  it('names the root and its remedy before any check', () => {
    const [before = ''] = render(incident()).split('id="checks"')
    const text = textOf(before)
    expect(text).toMatch(
      /Mail cannot be sent backend DATABASE_URL leads to standby db-postgres-03, (?:at least )?since .* Do this: Point it at db-postgres-01 \(10.0.0.120:5432\), the primary/,
    )
    expect(text).toContain('write_path/backend DATABASE_URL: 10.0.0.122:5432: lands on db-postgres-03 (standby)')
    expect(text).toContain('SQLSTATE 25006')
  })

  it('follows from what was seen in the incident', () => {
    const text = textOf(render(statusOf(incidentSeen)))
    expect(text).toMatch(
      /Mail cannot be sent backend DATABASE_URL leads to standby .* Do this: Point it at db-postgres-01 .* 25006/,
    )
    expect(text.indexOf('Also fail Vault vault-01: uninitialized')).toBeGreaterThan(0)
  })

  it('is worst first where there are several, and the title names whom it concerns', () => {
    const page = render(many())
    expect(titleOf(page)).toBe('✕ Mail cannot be sent · application-2')
    const sentences = partsOf(page, '<section class="headline ').map(part => /^\w+/.exec(part)?.[0])
    expect(sentences).toEqual(['fail', 'ok'])
    expect(textOf(page)).toContain('4 of 5 mail paths: application-1, application-3 and 2 more Mail can be sent')
  })

  it('is given once for paths that have the same one, and the title stays short', () => {
    const of = incident()
    const copies = of.mail.flatMap(path => ['a', 'b', 'c', 'd'].map(name => ({ ...path, name })))
    const page = render({ ...of, mail: copies })
    expect(partsOf(page, '<section class="headline ')).toHaveLength(1)
    expect(textOf(page)).toContain('4 of 4 mail paths: a, b and 2 more Mail cannot be sent')
    expect(titleOf(page)).toBe('✕ Mail cannot be sent · 4 of 4 mail paths')
  })

  it('says by what mail leaves where its provider fails', () => {
    const of = excepted()
    const [path] = of.mail
    const [exception] = path?.exceptions ?? []
    if (!path || !exception) throw new Error('the fixture has no exception')
    const relay = { probe: 'smtp', target: 'relay', reason: { ...exception.reason, verdict: 'fail' } as const }
    const headline = (provider: 'smtp' | 'ses'): string =>
      textOf(render({ ...of, mail: [{ ...path, provider, exceptions: [relay] }] }))
    expect(headline('smtp')).toContain('sends with SMTP, and falls back to SES now Mail can be sent, except …')
    expect(headline('ses')).toContain('sends with SES Mail can be sent, except …')
  })

  it('tells the worst exception first', () => {
    const of = excepted()
    const [path] = of.mail
    const harmless = path?.exceptions.filter(({ reason }) => reason.verdict === 'warn') ?? []
    const vault = harmless.find(({ probe }) => probe === 'vault')
    if (!path || !vault) throw new Error('the fixture has no exception')
    const sealed = { code: 'vault_sealed', text: 'vault-02: is sealed', remedy: 'Unseal it.' } as const
    const bad = { ...vault, reason: { ...sealed, verdict: 'fail', severity: 'high' } as const }
    const text = textOf(render({ ...of, mail: [{ ...path, exceptions: [...harmless, bad] }] }))
    expect(text).toContain('except … Vault vault-01: sealed')
    expect(text).toMatch(/Do this: Unseal it\. vault\/vault-01 ?: vault-02: is sealed/)
  })

  it('says once what holds for several', () => {
    const [, also = ''] = textOf(render(starting())).split('Also ')
    expect(also).toContain('unknown Write path (3): not run yet')
    expect(also).toContain('unknown Postgres node (3): not run yet')
  })

  it('is unknown where no mail path is configured', () => {
    const page = render(statusFrom([db]))
    expect(titleOf(page)).toContain('Unknown whether mail can be sent')
    expect(textOf(page)).toContain('No mail path is configured.')
    expect(textOf(page)).not.toContain('Mail can be sent')
  })
})

describe('what is unknown', () => {
  it('is nowhere drawn as ok', () => {
    const [body = ''] = [render(starting()).split('<main>')[1]]
    expect(body).not.toMatch(/class="[^"]*\bok\b/)
    expect(textOf(render(starting()))).not.toMatch(/\bok\b/)
  })

  it('is said of a stale check, whatever it was before', () => {
    const page = render(splitBrain())
    const row = rowOf(page, 'db-postgres-03')
    expect(textOf(page)).toContain('last seen 190 s ago, then ok')
    expect(row).toContain('stale, last seen 3 min ago')
    expect(rowsOf(page).find(part => part.includes('db-postgres-03'))).toMatch(/^unknown stale"/)
    const box = partsOf(page, '<div class="box ').find(part => part.includes('>db-postgres-03<'))
    expect(box).toMatch(/^unknown"/)
    expect(textOf(box ?? '')).toContain('role unknown')
  })

  it('is where a write path lands that did not get through', () => {
    const text = textOf(renderPage(many(), about, { ...everything, path: 'application-2' }))
    expect(text).toContain('app-2-worker-3 fails: unreachable leads to no known node')
    expect(text).toContain('Nothing is known to write here:')
  })
})

describe('the picture', () => {
  const joinsOf = (of: Status): string[] => partsOf(render(of), '<div class="join').map(part => textOf(`<body>${part}`))

  it('leads from each write path to the node it lands on, with its role', () => {
    const [first, second, third, fourth] = joinsOf(incident())
    expect(first).toContain('backend DATABASE_URL fails: read only leads to db-postgres-03')
    expect(first).toContain('db-postgres-03 standby 10.0.0.122:5432')
    expect(second).toContain('haproxy-write ok leads to db-postgres-01')
    expect(second).toContain('secret PGHOST ok leads to db-postgres-01')
    expect(second).toContain('db-postgres-01 primary')
    expect(second).toContain('Nothing writes here: db-postgres-02 standby')
    expect(third).toContain('outbound mail Outbox fails: stuck, because of write_path/backend DATABASE_URL')
    expect(fourth).toContain('vault-01 Vault fails: uninitialized through mail.keybuzz.io')
    expect(fourth).toContain('leads to app to outside app to outside Canary unknown: not sent, because of smtp/')
    expect(fourth).toContain('mail.keybuzz.io SMTP, in use unknown: password unresolved')
  })

  it('gives a link the verdict of what leads there', () => {
    const [first = ''] = partsOf(render(incident()), '<div class="join')
    expect(first).toMatch(/<ul class="from">\s*<li class="fail">/)
    expect(first).toMatch(/<ul class="to">\s*<li class="fail"><i class="wire"><\/i><div class="box warn">/)
  })

  it('shows a split brain', () => {
    const text = textOf(render(splitBrain()))
    expect(text).toContain('Writes to cluster keybuzz 2 primaries, 3 nodes')
    expect(text).toContain('db-postgres-02 primary')
    expect(text).toContain('db-postgres-01 second primary')
    expect(text).toContain('haproxy-write fails: old primary leads to db-postgres-02, db-postgres-01')
  })

  it('has what stands between: the HAProxy of a path with its servers, and its PgBouncer', () => {
    const [first, second] = joinsOf(balanced())
    expect(first).toContain('backend ok through lb-1/write HAProxy 1 of 3 servers up pg-1 (n1) UP L7OK 200')
    expect(first).toContain('pg-2 (n2) DOWN L7STS 503 pg-3 (n3) DOWN L7STS 503 leads to n1')
    expect(first).toContain(
      'worker ok through pool-1/keybuzz PgBouncer 3 clients served, 0 waiting 10.0.0.10:5432 4 connections',
    )
    // Its servers are listed once.
    expect(first).toContain('through lb-1/write HAProxy 1 of 3 servers up leads to n1')
    expect(second).toContain('mail.keybuzz.io')
  })

  it('says where the views differ, and what is on its way', () => {
    const text = textOf(render(lagging()))
    expect(text).toContain('pg-1 (n1) UP L7OK 200 · going down, check 2 of 3')
    expect(text).toContain('pg-3 MAINT L4CON')
    expect(text).toContain(
      'pool-1/keybuzz PgBouncer paused warns: paused · 0 clients served, 7 waiting, the longest for 12 s',
    )
    expect(text).toContain('n1 standby n1:5432 · ok · Patroni: replica, starting')
    expect(text).toContain('n3 role unknown n3:5432 · fails: unreachable · Patroni: does not answer')
    expect(text).toContain('reports warns: sessions on standby leads to n2')
  })

  it('says who holds the lock', () => {
    const holds = render(balanced())
    expect(textOf(holds)).toContain('n1 primary holds the lock n1:5432 · ok')
    expect(holds.match(/"tag holds-the-lock"/g)).toHaveLength(1)
    // The same from SQL and from Patroni is said once.
    expect(textOf(holds)).not.toContain('Patroni:')
  })

  it('shows a balancer that was not seen as unknown, with no servers', () => {
    const text = textOf(render(unseen()))
    expect(text).toContain('through lb-1/write HAProxy fails: unreachable leads to n1')
    expect(text).toContain('through pool-1/keybuzz PgBouncer unknown: not run yet leads to n1')
    expect(text).not.toContain('servers up')
  })

  it('has the outbox between the writes and the ways out, with how much waits, and SES with what it said', () => {
    const text = textOf(render(secondWayOut()))
    expect(text).toMatch(
      /Writes to cluster keybuzz .* Keeps mail until it is sent outbound mail Outbox ok · 3 mails wait, the oldest for 4 s · 1 being sent Hands mail over/,
    )
    expect(text).toContain('mail.keybuzz.io SMTP, in use fails: unreachable')
    expect(text).toContain(
      'backend SES SES ok · sending enabled · production access · 1200 of 50000 mails sent in 24 h · keybuzz.io verified · DKIM SUCCESS',
    )
  })

  it('says which check a stuck outbox waits for, and what stands in the way of SES', () => {
    const text = textOf(render(noWayOut()))
    expect(text).toContain(
      'outbound mail Outbox fails: stuck, because of smtp/mail.keybuzz.io · more than 10000 mails wait, the oldest for 21 minutes · 12 given up',
    )
    expect(text).toContain(
      'backend SES SES fails: sending paused · production access · 1200 of 50000 mails sent in 24 h',
    )
    const alone = textOf(render(hangingSender()))
    expect(alone).toContain('outbound mail Outbox fails: stuck · 41 mails wait, the oldest for 2 hours Hands mail over')
  })

  it('says of an outbox and an SES that were not seen no more than that', () => {
    const notAsked = sesThat(sesSeen(null), ['ses_not_verified'])
    const text = textOf(render(deliveringThat(notAsked, outboxThat(undefined, ['outbox_unreadable']))))
    expect(text).toContain('outbound mail Outbox unknown: unreadable Hands mail over')
    expect(text).toContain('backend SES SES unknown: not verified Checks')
    expect(textOf(render(deliveringThat(outboxThat(outboxRows()))))).toContain('outbound mail Outbox ok · 0 mails wait')
  })

  it('goes on from the relay to the mailbox, with the time it took', () => {
    const text = textOf(render(arriving()))
    expect(text).toContain('Hands mail over, and it arrives')
    expect(text).toContain(
      'mail.keybuzz.io SMTP, in use ok leads to app to outside app to outside Canary ok · the last arrived in 2.4 s',
    )
    expect(text).toContain(
      'leads to SES simulator SES simulator Canary ok · accepted; it has no mailbox, so no more is known',
    )
    expect(textOf(render(secondWayOut()))).not.toContain('arrives')
  })

  it('says what is under way behind the relay, and what that waits for', () => {
    const lost = textOf(render(lostBehind()))
    // The relay is well: what leads from it to the mailbox is not.
    expect(render(lostBehind())).toMatch(
      /<li class="fail"><i class="wire"><\/i><div class="box fail">(?:(?!<li).)*app to outside/s,
    )
    expect(lost).toContain('Mail is sent, but does not arrive Canary app to outside: lost')
    expect(lost).toContain(
      'app to outside Canary fails: lost · the last arrived in 2.4 s · 3 under way, the oldest for 16 minutes',
    )
    expect(textOf(render(lostWithRelay()))).toContain(
      'Canary unknown: not sent, because of smtp/mail.keybuzz.io · the last arrived in 2.4 s · 1 under way, the oldest for 6 minutes',
    )
  })

  it('has the relay between what its secrets come from and its mailboxes', () => {
    const text = textOf(render(intoJunk()))
    expect(text).toContain('Takes secrets, hands mail over, and it arrives vault-01 Vault ok through mail.keybuzz.io')
    expect(text).toContain('Canary warns: in junk · the last arrived in 2.4 s, in the junk folder')
    expect(text).toContain('app to a second one Canary ok · the last arrived in 2.4 s')
  })

  it('ends with whether receivers believe what leaves, and why', () => {
    expect(textOf(render(believed()))).toContain(
      'Receivers believe it yes app.example.com DNS of the sender ok · SPF passes for each sender · 1 of 1 DKIM keys usable · DMARC reject',
    )
    const refused = render(disbelieved())
    expect(textOf(refused)).toMatch(
      /mail\.keybuzz\.io SMTP, in use ok Receivers believe it no app\.example\.com DNS of the sender fails: unauthenticated · no SPF · 0 of 0 DKIM keys usable · DMARC reject news\.example\.com DNS of the sender ok/,
    )
    // The line to the relay is well: mail leaves.
    expect(refused).toMatch(/<li class="ok"><i class="wire"><\/i><div class="box ok">(?:(?!<li).)*mail\.keybuzz\.io/s)
    expect(refused).toMatch(
      /<li class="fail"><i class="wire"><\/i><div class="box fail">(?:(?!<li).)*app\.example\.com/s,
    )
    expect(textOf(render(notKnownWhetherBelieved()))).toContain('Receivers believe it not known app.example.com')
    expect(textOf(render(secondWayOut()))).not.toContain('Receivers believe it')
  })

  it('has neither boxes nor style for what is not configured', () => {
    expect(render(secondWayOut())).not.toMatch(/\bhop|class="servers|holds/)
    expect(render(balanced())).toContain('.hop {')
  })

  it('stays bounded with hundreds of targets, says what it leaves out, and the checks are all there', () => {
    const of = many(300, 2)
    const page = render(of)
    expect(partsOf(page, '<div class="box ').length).toBeLessThan(200)
    expect(textOf(page)).toContain('and 314 more, see the checks')
    expect(textOf(page)).toContain('app-2-worker-3 fails: unreachable')
    const listed = [...page.matchAll(/<a href="\.\/\?q=([^"]*)#checks">/g)].map(([, id = '']) => decodeURIComponent(id))
    expect(new Set(listed)).toEqual(new Set(of.checks.map(({ id }) => id)))
  })

  const box = (id: string, verdict: Box['verdict'] = 'ok'): Box => ({
    id,
    name: id,
    verdict,
    detail: '',
    tag: undefined,
  })
  it.each([
    [
      'nothing in common',
      [
        ['a', '1'],
        ['b', '2'],
      ],
      ['a→1', 'b→2'],
    ],
    [
      'one node',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '1'],
      ],
      ['ac→1', 'b→2'],
    ],
    [
      'a path that joins two',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '12'],
        ['d', '3'],
      ],
      ['abc→12', 'd→3'],
    ],
    [
      'nothing led to',
      [
        ['a', ''],
        ['b', ''],
      ],
      ['a→', 'b→'],
    ],
  ])('puts links together that share an end: %s', (_name, links, expected) => {
    const groups = joined(
      links.map(([from = '', to = '']) => ({ from: box(from), to: to.split('').map(id => box(id)) })),
    )
    const shown = groups.map(
      group => `${group.links.map(link => link.from.id).join('')}→${group.to.map(end => end.box.id).join('')}`,
    )
    expect(shown).toEqual(expected)
  })

  it('has the worst links first, and at their end the worst of them', () => {
    const groups = joined([
      { from: box('a'), to: [box('1')] },
      { from: box('b', 'fail'), to: [box('2')] },
      { from: box('c', 'unknown'), to: [box('2')] },
    ])
    expect(groups.map(group => group.to[0])).toMatchObject([{ link: 'fail' }, { link: 'ok' }])
  })
})

describe('the checks', () => {
  it('are all there, worst first', () => {
    const verdicts = rowsOf(render(incident())).map(row => /^\w+/.exec(row)?.[0])
    const expected = [
      ...Array<string>(3).fill('fail'),
      ...Array<string>(3).fill('unknown'),
      'warn',
      'warn',
      ...Array<string>(8).fill('ok'),
    ]
    expect(verdicts).toEqual(expected)
  })

  it('give every reason with its remedy, when, how long and how often', () => {
    const ses = rowOf(render(incident()), 'ses/ backend SES')
    expect(ses).toContain('none is set of')
    expect(ses).toContain("the application's sender is a stub")
    expect(ses.match(/Do this:/g)).toHaveLength(2)
    const write = rowOf(render(incident()), 'write_path/ backend DATABASE_URL')
    expect(write).toContain('This is the cause named above')
    expect(write).toContain('4 s ago last ok 5 min ago every 15 s took 31 ms')
    expect(write).toContain('login 13 ms')
    expect(rowOf(render(starting()), 'vault/ vault-01')).toContain('has not run yet every 15 s')
    expect(rowOf(render(healthy()), 'smtp/ mail.keybuzz.io')).toContain(
      'logged in as postmaster@keybuzz.io over TLSv1.3',
    )
  })

  it('count their last runs for those who do not see the strip', () => {
    const page = render(incident())
    expect(page).toContain('aria-label="Last 50 runs: 31 ok, 19 fail; the newest fail"')
    expect(page).toContain('aria-label="Last 42 runs: 12 ok, 30 unknown; the newest unknown"')
    expect(render(starting())).toContain('aria-label="No runs yet"')
  })

  it('draw neighbours of a verdict as one line of cells, the newest at the right end', () => {
    const page = render(statusFrom([db], { histories: { 'postgres/db-1': ['ok', 'ok', 'fail', 'ok'] } }))
    expect(page).toContain('<path class="ok" d="M230 16h9M245 16h4" />')
    expect(page).toContain('<path class="fail" d="M240 10h4" />')
  })
})

describe('the page', () => {
  it.each(pages)('%s is well-formed, loads nothing and runs nothing but its script', (_name, whole) => {
    const page = withoutScript(whole)
    expect(unbalanced(page)).toEqual([])
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en"/)
    expect(page.replaceAll('&lt;', '')).not.toMatch(
      /<script|<link rel="stylesheet|@import|\son\w+="|javascript:|url\(/i,
    )
    const loaded = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(match => match[1] ?? '')
    expect(
      loaded.filter(
        link =>
          !/^(#|\.\/(\?|#|metrics$|api\/v1\/status$|incidents$)|data:image\/svg\+xml,)/.test(link) &&
          !link.startsWith(`${runbooksUrl}/reasons/`),
      ),
    ).toEqual([])
  })

  it('can be held still, so that what was unfolded stays so', () => {
    const still = renderPage(healthy(), about, { ...everything, refresh: false })
    expect(still).not.toMatch(/http-equiv="refresh"|data-refresh/)
    expect(still).toContain('<a href="./">')
  })

  it.each(pages)('%s leads where it says, with every id once', (_name, page) => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(match => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    const inside = [...page.matchAll(/href="#([^"]*)"/g)].map(match => match[1])
    expect(inside.filter(id => !ids.includes(id))).toEqual([])
  })

  it('escapes all that comes from outside', () => {
    const page = withoutScript(render(hostile()))
    expect(page).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;')
    expect(page).not.toMatch(/<script|<img|<\/style><\/title>|&lt;b&gt; \]\]/)
    expect(page.match(/<\/title>/g)).toHaveLength(1)
    const named = renderPage(healthy(), { version: '<b>', configFile: '"><i>' })
    expect(named).toContain('&lt;b&gt;')
    expect(named).toContain('&quot;&gt;&lt;i&gt;')
  })

  it.each([
    [100, 5],
    [5_000, 5],
    [15_000, 15],
    [86_400_000, 60],
  ])('with checks every %d ms loads itself again every %d s', (intervalMs, seconds) => {
    const every = (ms: number) => ({ ...db, check: { ...db.check, intervalMs: ms } })
    const page = render(statusFrom([every(intervalMs), every(86_400_000)]))
    expect(page).toContain(`<meta http-equiv="refresh" content="${seconds}" />`)
  })

  it('tells what it is, of when, and where the rest is', () => {
    const [, foot = ''] = render(healthy()).split('<footer>')
    expect(textOf(foot)).toContain(
      'mailpath-exporter 1.2.3 · up since 2026-01-05 03:12:07 UTC · /etc/mailpath/mailpath.yml',
    )
    expect(textOf(foot)).toContain('2026-01-14 03:12:07 UTC')
    expect(foot).toContain('href="./metrics"')
    expect(foot).toContain('href="./api/v1/status"')
  })

  it('has an icon of the colour of the verdict', () => {
    const iconOf = (of: Status): string => /rel="icon" href="([^"]*)"/.exec(render(of))?.[1] ?? ''
    const icons = [healthy(), excepted(), incident(), starting()].map(iconOf)
    expect(new Set(icons).size).toBe(4)
  })

  it('is the same for the same status', () => {
    const of = incident()
    expect(render(of)).toBe(render(of))
    expect(render(of)).toBe(render(incident()))
  })

  it('takes a check without a status for unknown', () => {
    expect(textOf(render({ ...incident(), checks: [] }))).toContain('haproxy-write unknown')
  })
})

describe('words', () => {
  it.each([
    [-5_000, 'just now'],
    [4_400, '4 s ago'],
    [190_000, '3 min ago'],
    [3 * 3_600_000, '3 h ago'],
    [21 * 86_400_000, '21 days ago'],
  ])('%d ms is %s', (ms, text) => expect(ago(ms)).toBe(text))

  it.each([
    [0.04, '0 ms'],
    [0.44, '0.4 ms'],
    [31, '31 ms'],
    [1_234, '1.23 s'],
    [15_000, '15 s'],
    [90_000, '1.5 min'],
  ])('%d ms takes %s', (ms, text) => expect(length(ms)).toBe(text))
})

const voids = new Set(['input', 'meta', 'link', 'path', 'use', 'br'])
/** Tags that are not closed in the order they were opened in. */
function unbalanced(page: string): string[] {
  const open: string[] = []
  const wrong: string[] = []
  for (const [, close, name = ''] of page
    .replace(/<style>.*<\/style>/s, '')
    .matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (close === '') {
      if (!voids.has(name)) open.push(name)
    } else if (open.pop() !== name) wrong.push(name)
  }
  return [...wrong, ...open]
}
