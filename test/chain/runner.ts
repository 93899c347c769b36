/** Plays a scenario, and holds what the receivers got against what they were to get. */
import { waitFor } from '../servers/processes.ts'
import { scale, type Monitoring } from './monitoring.ts'
import { listenTo, type News } from './news.ts'
import { isOfTheRun, type Expected, type Scenario, type Step } from './scenario.ts'
import type { Stage } from './stage.ts'

/** What was heard of an alert, and when. */
export interface Heard {
  readonly expected: Expected
  /** Milliseconds from the injection to the notification. */
  readonly afterMs: number
  /** Milliseconds from the healing to the notification that it is over; undefined where none is sent. */
  readonly overAfterMs: number | undefined
}

interface Outcome {
  readonly heard: readonly Heard[]
  /** What was not heard of, with its source. */
  readonly silenced: readonly string[]
  /** How often the dead man's switch was told. */
  readonly watchdogs: number
  readonly seconds: number
  /** Empty where everything was as it should be. */
  readonly wrong: readonly string[]
}

/** Between two notifications of the MailWatchdog. */
const watchdogMs = 60_000 / scale

/** For what comes within seconds where there is a CPU for it. */
const patience = { timeoutMs: 90_000, everyMs: 100 }

/** Throws where something that is to come does not; what came and should not have is in `wrong`. */
export async function play(scenario: Scenario, stage: Stage): Promise<Outcome> {
  await stage.heal()
  const pair = scenario.exporters === 2 ? await stage.startPair() : undefined
  try {
    const monitoring = pair ?? stage.monitoring
    await untilQuiet(monitoring)
    return await watch(scenario, stage, monitoring)
  } finally {
    await pair?.stop()
  }
}

/** Until mail can be sent and nothing fires. */
export async function untilQuiet({ prometheus, alertmanager }: Monitoring): Promise<void> {
  const isOk = 'min(mailpath_mail_verdict{verdict="ok"}) == 1'
  await waitFor(async () => (await prometheus.query(isOk)).length > 0, { ...patience, what: 'mail can be sent' })
  let fires: readonly string[] = []
  await waitFor(
    async () => {
      fires = (await alertmanager.alerts())
        .filter(({ labels }) => !isOfTheRun(labels))
        .map(({ labels }) => labels['alertname'] ?? '')
      return fires.length === 0
    },
    { ...patience, what: 'nothing fires' },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${fires.join(', ')}`)
  })
}

async function watch({ steps, passing = [] }: Scenario, stage: Stage, monitoring: Monitoring): Promise<Outcome> {
  const began = Date.now()
  const news = listenTo(monitoring.receiver, began)
  const due: { readonly expected: Expected; readonly since: number }[] = []
  for (const step of steps) {
    const since = Date.now()
    await step.inject(stage)
    due.push(...step.heard.map(expected => ({ expected, since })))
    await waitFor(() => due.every(({ expected }) => news.has(expected)), { ...patience, what: step.does }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; told was: ${news.told().join('; ') || 'nothing'}`)
      },
    )
    await untilHeld(step, monitoring, news)
  }
  const all = due.map(({ expected }) => expected)
  const early = all.filter(news.isOver).map(({ alert }) => `${alert} was said to be over while it was not`)
  const healedAt = Date.now()
  await stage.heal()
  // Of what is only good to know nobody is told that it is over.
  await waitFor(() => all.every(one => one.to === 'log' || news.isOver(one)), {
    ...patience,
    what: 'the receivers are told that it is over',
  })
  return {
    heard: due.map(({ expected, since }) => {
      const over = news.firstAt(expected, 'resolved')
      return {
        expected,
        afterMs: (news.firstAt(expected, 'firing') ?? NaN) - since,
        overAfterMs: over === undefined ? undefined : over - healedAt,
      }
    }),
    silenced: steps.flatMap(({ silenced = {} }) => Object.entries(silenced).map(([alert, by]) => `${alert} by ${by}`)),
    watchdogs: news.watchdogs(),
    seconds: (Date.now() - began) / 1000,
    wrong: [...early, ...news.wrongs(all, passing), ...(news.watchdogs() > 0 ? [] : ['the MailWatchdog did not come'])],
  }
}

/** Until what is not to be told could have been: it fires, and each group of pages has had its turn since. */
async function untilHeld(
  { silenced = {}, until }: Step,
  { alertmanager, prometheus }: Monitoring,
  news: News,
): Promise<void> {
  for (const [name, source] of Object.entries(silenced))
    await waitFor(
      async () => {
        const alerts = await alertmanager.alerts()
        const sources = alerts
          .filter(({ labels }) => labels['alertname'] === source)
          .map(({ fingerprint }) => fingerprint)
        const target = alerts.find(({ labels }) => labels['alertname'] === name)
        return target?.status.inhibitedBy.some(fingerprint => sources.includes(fingerprint))
      },
      { ...patience, what: `${name} fires, silenced by ${source}` },
    )
  if (until !== undefined)
    await waitFor(async () => (await prometheus.query(until)).length > 0, { ...patience, what: until })
  if (until === undefined && Object.keys(silenced).length === 0) return
  // The dead man is told once per group_interval, which is that of the pages: between two times lies a turn of theirs.
  const before = news.watchdogs()
  await waitFor(() => news.watchdogs() >= before + 2, { ...patience, what: 'the dead man is told twice' })
}

/** Kills Prometheus, and waits until the dead man is told nothing any more: then he pages. */
export async function untilSilent({ prometheus, receiver }: Monitoring): Promise<void> {
  await prometheus.process.stop('SIGKILL')
  const told = (): number => receiver.notifications.filter(({ to }) => to === 'deadmansswitch').at(-1)?.at ?? 0
  await waitFor(() => Date.now() - told() > watchdogMs * 4, {
    ...patience,
    what: 'the dead man is told nothing any more',
  })
}
