import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../../servers/dovecot.ts'
import { needs } from '../../servers/processes.ts'
import { run, startRelay, targetOf, type Fate, type Relay } from './post-office.ts'

/** `npm test` proves some. All that are promised: `CANARY_OUTAGES=200 npx vitest run test/probes/canary/outages.test.ts`. */
const outages = Number(process.env['CANARY_OUTAGES'] ?? 8)
/** Others' mails in the mailbox. */
const history = outages < 100 ? 5_000 : 50_000
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_130)

/** What breaks, and for how many runs. */
const outage = fc.record({
  what: fc.constantFrom<Fate | 'refused' | 'deferred' | 'renumbered' | 'down' | 'restarted'>(
    'hold',
    'discard',
    'twice',
    'junk',
    'bounce',
    'refused',
    'deferred',
    'renumbered',
    'down',
    'restarted',
  ),
  runs: fc.integer({ min: 1, max: 3 }),
})

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('outages and heals in a row', () => {
  let dovecot: Dovecot
  let relay: Relay
  beforeAll(async () => {
    dovecot = await startDovecot()
    relay = await startRelay(dovecot)
  })
  afterAll(async () => {
    await relay.close()
    await dovecot.stop()
  })
  const folders = ['INBOX', 'Junk', 'Trash']
  const subjects = async () =>
    (await Promise.all(folders.map(folder => dovecot.messages(folder)))).map(some =>
      some.map(one => one.subject).sort(),
    )

  test(
    `after ${outages} of them nothing of ours lies there, and no mail of others is touched`,
    { timeout: 1_200_000 },
    async () => {
      for (const folder of folders) await dovecot.fill(40, folder)
      const before = await subjects()
      // An unknown time has to pass before a lost mail is written off: here nearly none.
      let target = targetOf(relay, dovecot, { late_after: 100, lost_after: 150 })
      for (const { what, runs } of fc.sample(outage, { seed, numRuns: outages })) {
        relay.fate = 'hold'
        if (what === 'refused') relay.refusal = 550
        else if (what === 'deferred') relay.refusal = 451
        else if (what === 'renumbered') await dovecot.renumber()
        else if (what === 'down') await dovecot.down()
        else if (what === 'restarted') target = { ...target }
        else relay.fate = what
        for (let i = 0; i < runs; i++) {
          const { saw } = await run(target, dovecot, { timeoutMs: 600 })
          expect(saw.mails.filter(({ fate }) => fate === 'out').length).toBeLessThanOrEqual(3)
        }
        relay.fate = 'deliver'
        relay.refusal = undefined
        if (what === 'down') await dovecot.up()
        await relay.flush()
        const { saw } = await run(target, dovecot)
        expect(saw.mailbox?.failure, what).toBeUndefined()
      }
      // What came after its run was over is found by the next.
      const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
      expect(saw.mailbox?.kept).toBeUndefined()
      expect(await subjects()).toEqual(before)
    },
  )

  test(`in a mailbox with ${history} mails a run reads only what is new`, { timeout: 300_000 }, async () => {
    await dovecot.fill(history)
    const target = targetOf(relay, dovecot)
    relay.fate = 'deliver'
    for (let i = 0; i < 2; i++) {
      const { saw, transcript } = await run(target, dovecot, { timeoutMs: 30_000 })
      const listed = transcript().flatMap(({ text }) => / (\d+) mails, of which \d+ were read$/.exec(text)?.[1] ?? [])
      // The first look goes back by 500; later ones list the canary alone.
      expect(listed.length).toBeGreaterThan(1)
      for (const count of listed) expect(Number(count)).toBeLessThanOrEqual(i === 0 ? 501 : 1)
      expect(saw.counts).toMatchObject({ sent: i + 1, arrived: { inbox: i + 1 } })
    }
  })
})
