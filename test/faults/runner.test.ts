import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import type { Area, Expectation, Stage } from './fault.ts'
import { startRelay } from './relay.ts'
import { benchOf, faultMs, runnable, type Bench } from './runner.ts'

interface Small extends Stage {
  readonly set: (value: string) => Promise<void>
  /** From now on every other run gets a wrong password of the relay. */
  readonly mistype: () => void
}

async function start(): Promise<Small> {
  const relay = await startRelay()
  const folder = tempFolder('mailpath-runner-')
  const file = path.join(folder, '.env')
  const set = (value: string): Promise<void> => writeFile(file, `SMTP_PORT=${value}\n`)
  await set('25')
  let mistypes = false
  let asked = 0
  // By what the relay did last and not by the clock: on a busy machine a run may be cut off before it logs in. And again and
  // again, since there the runner tries again what failed.
  const isWrong = (): boolean => mistypes && !relay.smtp.refusedLast
  return {
    config: JSON.stringify({
      settings: [{ name: 'app', from: { dotenv: file }, expect: { SMTP_PORT: '25' } }],
      smtp: relay.section,
      mail: [{ name: 'app', write_path: [] }],
    }),
    env: {
      get RELAY_PASSWORD() {
        // Another one each time: what was refused once is not sent again.
        return isWrong() ? `wrong ${++asked}` : relay.env.RELAY_PASSWORD
      },
    },
    set,
    mistype: () => (mistypes = true),
    heal() {
      mistypes = false
      return set('25')
    },
    async stop() {
      await relay.smtp.close()
      await removeFolder(folder)
    },
  }
}

const inject = (stage: Small): Promise<void> => stage.set('26')
const seen: Expectation = { verdict: 'fail', root: 'settings/app setting_different' }
const area: Area<Small> = {
  name: 'runner',
  start,
  faults: [
    {
      name: 'told',
      inject,
      seen: {
        ...seen,
        reasons: ['settings/app setting_different'],
        not: ['smtp/relay smtp_unreachable'],
        samples: { 'mailpath_mail_verdict{mail_path="app",verdict="fail"}': 1, mailpath_nothing: null },
      },
    },
    { name: 'not injected', inject: () => Promise.resolve(), seen },
    { name: 'another root', inject, seen: { ...seen, root: 'smtp/relay smtp_unreachable' } },
    {
      name: 'no longer told',
      inject: ({ mistype }) => Promise.resolve().then(mistype),
      seen: { verdict: 'fail', root: 'smtp/relay smtp_auth_failed' },
    },
    { name: 'ok before it is healed', inject, seen, halfway: { step: lookHealed, seen } },
    { name: 'not healed', inject, seen, heal: () => Promise.resolve() },
  ],
}

/** Right for a little more than a round. */
async function lookHealed(stage: Small): Promise<void> {
  await stage.set('25')
  await sleep(1_800)
  await stage.set('26')
}

describe('the runner of the fault matrix', { timeout: faultMs }, () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await runnable(area).open()
  })
  afterAll(() => bench.stop())

  it('proves a fault that is reported, and healed', async () => {
    const proof = await bench.prove('told')
    expect(proof.detectedAfter).toBeLessThan(2_000)
    expect(proof.healedAfter).toBeLessThan(2_000)
  })

  it.each([
    ['not injected', /^FALSE OK: not seen within \d+ ms:\n +the mail verdict is ok, not fail/],
    ['another root', /the root blocker is settings\/app setting_different, not smtp\/relay smtp_unreachable/],
    ['no longer told', /^FALSE OK: was seen, and no longer holds in the next round/],
    ['ok before it is healed', /^FALSE OK: while it was being healed/],
    ['not healed', /^not healthy again within \d+ ms\n.*\n.*mail fail, root blocker settings\/app setting_different/],
  ])('refuses what is %s', async (name, message) => {
    await expect(bench.prove(name)).rejects.toThrow(message)
  })
})

it('begins with a fresh stage after a fault that failed', async () => {
  const log: string[] = []
  let opened = 0
  const bench = benchOf({
    open() {
      const stage = ++opened
      return Promise.resolve({
        prove: (name: string) => {
          log.push(`${name} on ${stage}`)
          return name === 'bad'
            ? Promise.reject(new Error('not seen'))
            : Promise.resolve({ detectedAfter: 0, healedAfter: 0 })
        },
        stop: () => Promise.resolve(void log.push(`stop ${stage}`)),
      })
    },
  })
  await bench.prove('good')
  await expect(bench.prove('bad')).rejects.toThrow('not seen')
  await bench.prove('bad again, and good')
  await bench.stop()
  await bench.stop()
  expect(log).toEqual(['good on 1', 'bad on 1', 'stop 1', 'bad again, and good on 2', 'stop 2'])
})
