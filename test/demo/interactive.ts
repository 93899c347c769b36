import type { ReadStream } from 'node:tty'
import { describeError } from '../../src/core/errors.ts'
import { sentences } from '../../src/assess/sentence.ts'
import { untilSeen, type Exporter, type Sighting, type StatusJson } from './exporter.ts'
import type { Platform } from './platform.ts'
import { scenarios, seesIncident, type Scenario } from './scenarios.ts'

export const keyHelp = `keys: ${[...scenarios.map(({ key, name }) => `${key} ${name}`), 'q quit'].join(' · ')}`

interface Stage {
  readonly platform: Platform
  readonly exporter: Exporter
  readonly print: (line: string) => void
  /** Ends the waiting for the exporter. */
  readonly signal: AbortSignal
}

/** Does one thing at a time, in the order asked for. */
interface Player {
  /** Runs the scenario of a key, and prints what the exporter makes of it. */
  press(key: string): void
  /** When all that was asked for so far is done. Never rejects. */
  idle(): Promise<void>
}

/** Begins with the verdict on the state the platform is in. */
export function createPlayer(stage: Stage): Player {
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  const next = (key: string, work: () => Promise<void>): void => {
    waiting += 1
    last = last.then(() => told(stage, key, work)).finally(() => (waiting -= 1))
  }
  next('start', () => look(stage, seesIncident))
  return {
    idle: () => last,
    press(key) {
      const scenario = scenarios.find(one => one.key === key)
      if (!scenario) {
        stage.print(keyHelp)
        return
      }
      if (waiting > 0) stage.print(`${key}: ${scenario.name}, after what is under way`)
      next(key, () => act(stage, scenario))
    },
  }
}

/** What fails is told, and the demo goes on. */
async function told({ signal, print }: Stage, key: string, work: () => Promise<void>): Promise<void> {
  if (signal.aborted) return
  await work().catch((error: unknown) => {
    if (!signal.aborted) print(`${key}: failed: ${describeError(error)}`)
  })
}

async function act(stage: Stage, { key, name, run }: Scenario): Promise<void> {
  const began = Date.now()
  stage.print(`\n${key}: ${name} …`)
  const { done, seen } = await run(stage.platform)
  stage.print(`   ${done} (${inSeconds(Date.now() - began)})`)
  if (seen) await look(stage, seen)
}

async function look({ exporter, print, signal }: Stage, seen: (status: StatusJson) => boolean): Promise<void> {
  for (const line of sightingLines(await untilSeen(exporter, seen, Date.now(), signal))) print(line)
}

/** The verdict with its root blocker, and how long it took to be seen. */
function sightingLines({ status, seenAfterMs }: Sighting): string[] {
  const when = seenAfterMs === undefined ? 'the change was not seen' : `seen after ${inSeconds(seenAfterMs)}`
  return status.mail_paths.flatMap(path => pathLines(path, when))
}

function pathLines({ verdict, root, blockers, exceptions }: StatusJson['mail_paths'][number], when: string): string[] {
  const head = `   ${verdict.toUpperCase()}: ${sentences[verdict]}`
  const [first, ...others] = [...(root ? [root] : []), ...blockers.filter(blocker => !blocker.root), ...exceptions]
  if (!first) return [`${head} (${when})`]
  const where = (cause: typeof first): string => `${cause.probe}/${cause.target} ${cause.code}`
  const also = [...new Set(others.map(where))].filter(other => other !== where(first))
  return [
    `${head}; ${root ? 'root blocker' : 'broken'} ${where(first)} (${when})`,
    `     ${first.text}`,
    `     → ${first.remedy}`,
    ...(also.length > 0 ? [`     also ${also.join(', ')}`] : []),
  ]
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** What the user types: the name of a scenario on a line of its own, or else single keys. */
export function keysIn(typed: string): string[] {
  return typed.split('\n').flatMap(line => {
    const word = line.trim()
    const named = scenarios.find(({ name }) => name === word)
    if (named) return [named.key]
    return word === 'quit' ? ['q'] : (word.match(/\S/g) ?? [])
  })
}

interface Keyboard {
  readonly isTTY: boolean
  close(): void
}

/**
 * Passes on every key. A terminal gives them one by one, without Enter; its end is the end of the user (Ctrl-D as `q`,
 * Ctrl-C as `\u0003`), while a pipe may close and leave the demo running.
 */
export function listenTo(input: ReadStream, onKey: (key: string) => void, onGone: () => void): Keyboard {
  const { isTTY } = input
  if (isTTY) input.setRawMode(true)
  input.setEncoding('utf8')
  input.on('data', (typed: string) => {
    for (const key of isTTY ? (typed.match(/\S/g) ?? []) : keysIn(typed)) onKey(key === '\u0004' ? 'q' : key)
  })
  for (const event of ['end', 'error']) input.on(event, () => isTTY && onGone())
  return {
    isTTY,
    close() {
      if (isTTY) input.setRawMode(false)
    },
  }
}
