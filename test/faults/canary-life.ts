/** What befalls the exporter while canaries are under way: it is killed, has a twin, or its clock is set. */
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StatusJson } from '../../src/report/api.ts'
import { withSections } from '../demo/config.ts'
import {
  freePort,
  removeFolder,
  startProcess,
  tempFolder,
  untilListening,
  waitFor,
  type RunningProcess,
} from '../servers/processes.ts'
import { faketime, faketimeInstall, startWallClock } from '../servers/wall-clock.ts'
import { box, canaryName, series, startStage, times, withoutRoute, type CanaryStage } from './canary-stage.ts'
import type { Expectation } from './fault.ts'
import type { Proof, Runnable } from './runner.ts'
import { without } from './skip.ts'

/** An exporter in a process of its own. */
interface Exporter {
  readonly process: RunningProcess
  readonly status: () => Promise<StatusJson>
  /** The value of a series; NaN if it is not there. */
  readonly value: (name: string) => Promise<number>
  /** `/probe` of the canary. */
  readonly probe: () => Promise<void>
}

interface Scene {
  readonly stage: CanaryStage
  readonly start: (env?: Readonly<Record<string, string>>, preload?: string) => Promise<Exporter>
}

interface Row {
  readonly name: string
  readonly seen: Expectation
  readonly skip?: string | undefined
  readonly prove: () => Promise<Proof>
}

const main = fileURLToPath(new URL('hastened-main.ts', import.meta.url))
const tsx = createRequire(import.meta.url).resolve('tsx')
const { intervalMs, timeoutMs } = times
const ok: Expectation = { verdict: 'ok' }
const startMs = 60_000

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

/** A healthy route, and exporters that end with it. */
async function on(lost: 'soon' | 'never', work: (scene: Scene) => Promise<void>): Promise<Proof> {
  const stage = await startStage(lost)()
  const folder = tempFolder('mailpath-canary-life-')
  const configFile = path.join(folder, 'mailpath.yml')
  await writeFile(configFile, withSections(stage.config, { interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms` }))
  const running: RunningProcess[] = []
  const start: Scene['start'] = async (env = {}, preload) => {
    const port = await freePort()
    const first = preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
    const args = [...first, '--import', tsx, main, configFile, String(port), String(intervalMs)]
    const exporter = startProcess('exporter', process.execPath, args, { env: { ...process.env, ...stage.env, ...env } })
    running.push(exporter)
    await untilListening(exporter, port, startMs)
    const get = (where: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${where}`)
    const built: Exporter = {
      process: exporter,
      status: async () => (await (await get('/api/v1/status')).json()) as StatusJson,
      value: async name => valueIn(await (await get('/metrics')).text(), name),
      async probe() {
        await (await get(`/probe?probe=canary&target=${canaryName}`)).text()
      },
    }
    await until('ok', built, startMs)
    return built
  }
  const from = performance.now()
  try {
    await work({ stage, start })
    return { detectedAfter: performance.now() - from, healedAfter: 0 }
  } finally {
    await Promise.all(running.map(one => one.stop('SIGKILL')))
    await stage.stop()
    await removeFolder(folder)
  }
}

const valueIn = (exposition: string, name: string): number =>
  Number(
    exposition
      .split('\n')
      .find(line => line.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? NaN,
  )

const verdictOf = async ({ status }: Exporter): Promise<string | undefined> => (await status()).mail_paths[0]?.verdict

const until = (verdict: string, exporter: Exporter, timeoutMs = 4 * intervalMs): Promise<true> =>
  waitFor(async () => (await verdictOf(exporter)) === verdict, { timeoutMs, everyMs: 100, what: `mail is ${verdict}` })

/** Waits until so many canaries more have arrived, and none of them late; it must be `ok` all the time. */
async function stayingOk(exporter: Exporter, more: number): Promise<void> {
  const arrived = (): Promise<number> => exporter.value(series('arrived_total', 'folder="inbox"'))
  const before = await arrived()
  await waitFor(
    async () => {
      const verdict = await verdictOf(exporter)
      if (verdict !== 'ok') throw new Error(`mail is ${verdict}`)
      return (await arrived()) >= before + more
    },
    { timeoutMs: (more + 3) * intervalMs, everyMs: 100, what: `${more} canaries arrived` },
  )
}

const canariesIn = async ({ route }: CanaryStage): Promise<number> =>
  (await route.dovecot.messages('INBOX', box)).filter(({ canary }) => canary !== '').length

/** It is killed while mails wait in the queue, and they come after it has started again. */
async function killed(): Promise<Proof> {
  return on('soon', async ({ stage, start }) => {
    const first = await start()
    stage.route.relay.policy.decide(({ protocol_state }) => (protocol_state === 'END-OF-MESSAGE' ? 'HOLD' : undefined))
    await until('fail', first)
    await first.process.stop('SIGKILL')
    stage.route.relay.policy.decide(() => undefined)
    const second = await start()
    await stage.route.relay.run('postsuper', ['-H', 'ALL'])
    await stage.route.relay.flush()
    await waitFor(async () => (await second.value(series('leftovers_removed_total'))) >= 1, {
      timeoutMs: 8 * intervalMs,
      everyMs: 100,
      what: 'what the first sent is deleted',
    })
    await waitFor(async () => (await canariesIn(stage)) === 0, { timeoutMs: 4 * intervalMs, what: 'no canary is left' })
    must((await second.value(series('lost_total'))) === 0, 'mails of another process are counted as lost')
    await until('ok', second)
  })
}

/** Two exporters with the same file. */
async function twins(): Promise<Proof> {
  return on('never', async ({ stage, start }) => {
    const both = await Promise.all([start(), start()])
    const sentBy = (): Promise<number[]> => Promise.all(both.map(one => one.value(series('sent_total'))))
    const before = await sentBy()
    const relayed = stage.sent()
    await Promise.all(both.map(one => stayingOk(one, 3)))
    const own = (await sentBy()).map((count, at) => count - (before[at] ?? 0))
    must(
      own.every(count => count >= 3 && count <= 5),
      `they sent ${own.join(' and ')} in some three intervals`,
    )
    must(stage.sent() - relayed <= own.reduce((sum, count) => sum + count, 2), 'more was sent than they say')
    for (const one of both) {
      must((await one.value(series('duplicates_total'))) === 0, 'a mail of the other is a duplicate')
      must((await one.value(series('leftovers_removed_total'))) === 0, 'a mail of the other was deleted')
    }
  })
}

/** `/probe` again and again, as from a second Prometheus. */
async function probed(): Promise<Proof> {
  return on('never', async ({ stage, start }) => {
    const exporter = await start()
    const [before, from] = [stage.sent(), performance.now()]
    for (let n = 0; n < 10; n++) await exporter.probe()
    const intervals = Math.ceil((performance.now() - from) / intervalMs) + 1
    must(stage.sent() - before <= intervals, `${stage.sent() - before} mails were sent in ${intervals} intervals`)
    await stayingOk(exporter, 1)
  })
}

/** Its wall clock is set while a mail waits. */
async function onClock(seconds: number): Promise<Proof> {
  const { env, set, remove } = await startWallClock()
  return on('never', async ({ stage, start }) => {
    const exporter = await start(env)
    stage.route.receiver.policy.decide(({ protocol_state }) =>
      protocol_state === 'RCPT' ? '450 4.2.0 greylisted' : undefined,
    )
    await waitFor(async () => (await exporter.value(series('pending'))) >= 1, {
      timeoutMs: 3 * intervalMs,
      what: 'a mail waits',
    })
    await set(seconds)
    stage.route.receiver.policy.decide(() => undefined)
    await waitFor(
      async () => Math.abs(Date.parse((await exporter.status()).at) - Date.now() - seconds * 1000) < 60_000,
      {
        what: 'its clock is set',
      },
    )
    await until('ok', exporter, 6 * intervalMs)
    await stayingOk(exporter, 2)
    must((await exporter.value(series('lost_total'))) === 0, 'a mail is counted as lost')
    must((await exporter.value(series('delivery_seconds'))) < 60, 'a mail took as long as the clock was set')
  }).finally(remove)
}

const withoutFaketime = without('libfaketime', faketime, faketimeInstall) ?? withoutRoute

const rows: readonly Row[] = [
  { name: 'Canary: two exporters send and look at the same mailbox', seen: ok, skip: withoutRoute, prove: twins },
  { name: 'Canary: the exporter is killed while mails are under way', seen: ok, skip: withoutRoute, prove: killed },
  { name: 'Canary: `/probe` is asked again and again', seen: ok, skip: withoutRoute, prove: probed },
  {
    name: 'Canary: the clock is set forward an hour while a mail is under way',
    seen: ok,
    skip: withoutFaketime,
    prove: () => onClock(3600),
  },
  {
    name: 'Canary: the clock is set back an hour while a mail is under way',
    seen: ok,
    skip: withoutFaketime,
    prove: () => onClock(-3600),
  },
]

export const canaryLife: Runnable = {
  name: 'Canary: the exporter while mails are under way',
  faults: rows,
  // A row starts its own servers and exporters.
  intervalMs: 2 * intervalMs,
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
