/** What befalls the exporter itself: it must not blame a target for it, nor go on saying what it no longer knows. */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatusJson } from '../demo/exporter.ts'
import { have, waitFor } from '../servers/processes.ts'
import { refusedPort, silent } from '../servers/hostile.ts'
import { faketime, faketimeInstall, startWallClock, type WallClock } from '../servers/wall-clock.ts'
import { startStage, statusOf, untilSaid, type ExporterStage, type StageOptions } from './exporter-stage.ts'
import type { Expectation } from './fault.ts'
import { intervalMs, slackMs, withinMs, type Proof, type Runnable } from './runner.ts'
import { without } from './skip.ts'

interface Row {
  readonly name: string
  readonly seen: Expectation
  readonly skip?: string | undefined
  readonly prove: () => Promise<Proof>
}

const healthy: Expectation = { verdict: 'ok' }
const startMs = 30_000

/** Starts an exporter, waits until it is well, and ends it. */
async function on(
  options: StageOptions,
  work: (stage: ExporterStage) => Promise<Proof>,
  first = healthy,
): Promise<Proof> {
  const stage = await startStage(options)
  try {
    await untilSaid(stage, first, startMs)
    return await work(stage)
  } finally {
    await stage.stop()
  }
}

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

type CheckJson = StatusJson['checks'][number]

/** So many looks at the same relay that some are always under way. */
const copies = (relay: object): object[] => times(10, n => ({ ...relay, name: `relay ${n}` }))
const times = (count: number, one: (n: number) => object): object[] => Array.from({ length: count }, (_, n) => one(n))

/** What was seen of a relay that was well all the time, by an exporter that was held up. */
async function heldUp(stage: ExporterStage, hold: () => Promise<void>): Promise<Proof> {
  const before = (await statusOf(stage)).checks
  await hold()
  const released = Date.now()
  let status = await statusOf(stage)
  const fresh = ({ last_run }: CheckJson): boolean => Date.parse(last_run ?? '') >= released - 100
  for (; !status.checks.every(fresh); await sleep(30), status = await statusOf(stage)) {
    must(Date.now() - released < withinMs + 2 * slackMs, 'not every check ran again')
    const old = status.checks.filter(one => one.verdict === 'ok' && Date.parse(one.last_run ?? '') < released - 3_500)
    must(old.length === 0, `these are called ok on old evidence: ${old.map(one => one.id).join(', ')}`)
  }
  const took = Date.now() - released
  await untilSaid(stage, healthy)
  const runs = (list: readonly CheckJson[]): number => list.reduce((sum, one) => sum + one.runs, 0)
  must(runs(status.checks) > runs(before), 'nothing ran')
  const blamed = status.checks.filter(({ history }) => history.includes('fail'))
  must(blamed.length === 0, `these were called broken: ${JSON.stringify(blamed.map(one => [one.id, one.history]))}`)
  return { detectedAfter: took, healedAfter: 0 }
}

const heldMs = 4 * intervalMs
/** Preloaded into an exporter: SIGUSR2 blocks its event loop. */
const blocker = `process.on('SIGUSR2', () => { const until = performance.now() + ${heldMs}; while (performance.now() < until); })`
const preload = (script: string): string[] => ['--import', `data:text/javascript,${encodeURIComponent(script)}`]

const withoutFaketime = without('libfaketime', faketime, faketimeInstall)

/** An exporter whose wall clock can be set. */
async function onClock(work: (stage: ExporterStage, set: WallClock['set']) => Promise<Proof>) {
  const { env, file, set, remove } = await startWallClock()
  // libfaketime looks this one up each time, and the exporter has taken it away with all others.
  const again = `setInterval(() => { process.env.FAKETIME_TIMESTAMP_FILE = ${JSON.stringify(file)} }, 20).unref()`
  return on({ env, nodeArguments: preload(again) }, stage => work(stage, set)).finally(remove)
}

const atOf = async (stage: ExporterStage): Promise<number> => Date.parse((await statusOf(stage)).at)

const clockRow = (name: string, seconds: number): Row => ({
  name,
  seen: { verdict: 'fail', root: 'smtp/relay smtp_auth_temporary' },
  skip: withoutFaketime,
  prove: () =>
    onClock(async (stage, set) => {
      await set(seconds)
      const shift = (await atOf(stage)) - Date.now()
      must(Math.abs(shift - seconds * 1000) < 60_000, `the clock of the exporter is off by ${shift} ms`)
      await untilSaid(stage, healthy)
      stage.relay.smtp.refuse(454)
      const detectedAfter = await untilSaid(stage, { verdict: 'fail', root: 'smtp/relay smtp_auth_temporary' })
      const [relay] = (await statusOf(stage)).checks
      must(relay?.history.indexOf('fail') === (relay?.history.length ?? 0) - 1, 'it failed before the relay did')
      const ran = Date.parse(relay?.last_run ?? '')
      must(
        Math.abs(ran - (await atOf(stage))) < 60_000,
        `the time of the last run, ${relay?.last_run}, is by the old clock`,
      )
      stage.relay.smtp.refuse(undefined)
      return { detectedAfter, healedAfter: await untilSaid(stage, healthy) }
    }),
})

/** A relay that says nothing, looked at for almost the whole interval: with the winding up the look is longer than that. */
async function slowerThanItsInterval(): Promise<Proof> {
  const server = await silent()
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, server.connections)), 20)
  const slow = { name: 'slow', host: server.host, port: server.port, security: 'none', timeout: `${intervalMs - 1}ms` }
  const seen = { verdict: 'fail', root: 'smtp/slow smtp_no_answer' } as const
  try {
    return await on(
      { targets: () => [slow], needed: ['slow'] },
      async stage => {
        const [before] = (await statusOf(stage)).checks
        await sleep(6 * intervalMs)
        const [relay, late] = (await statusOf(stage)).checks
        const ran = (relay?.runs ?? 0) - (before?.runs ?? 0)
        must(ran >= 5 && ran <= 7, `the relay that is well was looked at ${ran} times in 6 intervals`)
        must(late?.stale === false && late.verdict === 'fail', `the slow one is ${late?.verdict}`)
        must(most === 1, `${most} looks at the slow one were under way at once`)
        return { detectedAfter: 0, healedAfter: 0 }
      },
      seen,
    )
  } finally {
    clearInterval(watching)
    await server.close()
  }
}

const crowd = 500

/** What is well, and what breaks then, is seen as if nothing else were broken. */
async function amongFailing(): Promise<Proof> {
  const [refused, hanging] = [await refusedPort(), await silent()]
  const broken = (n: number) => ({
    name: `broken ${n}`,
    security: 'none',
    host: '127.0.0.1',
    port: (n % 2 ? refused : hanging).port,
  })
  try {
    return await on(
      { targets: () => times(crowd, broken) },
      async stage => {
        const failing = async (): Promise<boolean> => {
          const scraped = await fetch(`${stage.exporter.url}/metrics`)
          const found = (await scraped.text()).match(/^mailpath_check_verdict\{.*verdict="fail"\} 1$/gm) ?? []
          return found.length >= crowd * 0.98
        }
        // While the exporter itself is short of CPU, those that hang are unknown, and there may always be one.
        await waitFor(failing, { timeoutMs: 60_000, everyMs: 250, what: `${crowd} checks fail` })
        stage.relay.smtp.refuse(454)
        const detectedAfter = await untilSaid(stage, { verdict: 'fail', root: 'smtp/relay smtp_auth_temporary' })
        stage.relay.smtp.refuse(undefined)
        return { detectedAfter, healedAfter: await untilSaid(stage, healthy) }
      },
      { ...healthy, reasons: [`smtp/broken ${crowd - 2} smtp_no_answer`, `smtp/broken ${crowd - 1} smtp_unreachable`] },
    )
  } finally {
    await Promise.all([refused.close(), hanging.close()])
  }
}

/** Leaves a process that runs no descriptor more than it has open, or gives them back. */
function limitFiles(stage: ExporterStage, limit: number): void {
  const { status } = spawnSync('prlimit', ['--pid', String(stage.exporter.process.pid), `--nofile=${limit}:`])
  must(status === 0, 'prlimit failed')
}
const starved: Expectation = { verdict: 'unknown', root: 'exporter/file_descriptors exporter_starved' }

/** It cannot open anything any more: what it looks at is well, and not to blame. */
async function withoutDescriptors(): Promise<Proof> {
  return on({ targets: copies }, async stage => {
    limitFiles(stage, 3)
    const detectedAfter = await untilSaid(stage, starved)
    limitFiles(stage, 1_024)
    const healedAfter = await untilSaid(stage, healthy)
    const blamed = (await statusOf(stage)).checks.filter(({ history }) => history.includes('fail'))
    must(blamed.length === 0, `these were called broken: ${blamed.map(({ id }) => id).join(', ')}`)
    return { detectedAfter, healedAfter }
  })
}

const rows: readonly Row[] = [
  {
    name: 'Exporter: no file descriptor left',
    seen: starved,
    skip: without('prlimit', have('prlimit'), 'Debian: util-linux'),
    prove: withoutDescriptors,
  },
  {
    name: 'Exporter: stopped for four intervals (SIGSTOP)',
    seen: healthy,
    prove: () =>
      on({ targets: copies }, stage =>
        heldUp(stage, async () => {
          stage.exporter.process.signal('SIGSTOP')
          await sleep(heldMs)
          stage.exporter.process.signal('SIGCONT')
        }),
      ),
  },
  {
    name: 'Exporter: event loop blocked for four intervals',
    seen: healthy,
    prove: () =>
      on({ targets: copies, nodeArguments: preload(blocker) }, stage =>
        heldUp(stage, async () => {
          stage.exporter.process.signal('SIGUSR2')
          await statusOf(stage)
        }),
      ),
  },
  clockRow('Exporter: clock set forward an hour', 3600),
  clockRow('Exporter: clock set back an hour', -3600),
  {
    name: 'Exporter: a check takes longer than its interval',
    seen: { verdict: 'fail', root: 'smtp/slow smtp_no_answer' },
    prove: slowerThanItsInterval,
  },
  {
    name: `Exporter: ${crowd} checks fail at once, and then what mail needs`,
    seen: { verdict: 'fail', root: 'smtp/relay smtp_auth_temporary' },
    prove: amongFailing,
  },
]

export const exporterArea: Runnable = {
  name: 'The exporter itself',
  faults: rows,
  intervalMs,
  open: () =>
    Promise.resolve({
      prove: name => {
        const row = rows.find(one => one.name === name)
        if (!row) throw new Error(`there is no fault ${name}`)
        return row.prove()
      },
      stop: () => Promise.resolve(),
    }),
}
