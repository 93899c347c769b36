import { describe, expect, it, onTestFinished } from 'vitest'
import type { Observation, Probe, Target } from '../../src/core/probe.ts'
import { commonReasons } from '../../src/core/reasons.ts'
import { createReferences } from '../../src/references/index.ts'
import type { References } from '../../src/monitor/look.ts'
import { closesAtOnce, cutOff, drip, garbage, refusedPort, silent, type Listening } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import { look } from './look.ts'

/** What every reference of a target in the contract yields: it must not come out anywhere. */
export const canary = 'canary-Zq7/pS+word'

interface ContractOptions {
  /** How the server begins to speak in the protocol: dripped, and cut off half-way. */
  opening?: string
  /** What references of the target yield, for a probe that talks to servers by these alone. Default: the canary. */
  references?: (port: number) => Partial<References>
}

/** AuthenticationOk, then a ParameterStatus: how a Postgres server begins where no password is asked for. */
export const postgresOpening = 'R\0\0\0\b\0\0\0\0S\0\0\0\x19server_version\x0018.0\0'

const timeoutMs = 700
/** A run ends this long after its deadline at the latest, and this long after a shutdown. */
const graceMs = 500

const servers: Record<string, (opening: string) => Promise<Listening>> = {
  'refuses the connection': refusedPort,
  'accepts and stays silent': () => silent(),
  'drips one byte at a time': opening => drip(opening, 100),
  'drips for ever': opening => drip(opening, 100, { after: 'repeat' }),
  'sends garbage': () => garbage(),
  'resets the connection half-way': opening => cutOff(opening.length / 2, { greeting: opening, how: 'rst' }),
  'ends the connection half-way': opening => cutOff(opening.length / 2, { greeting: opening, how: 'fin' }),
  'closes at once': () => closesAtOnce(),
  'resets at once': () => closesAtOnce({ how: 'rst' }),
}

/** What a probe looks at in a run of the contract. */
interface Hostile<T> {
  readonly target: T
  /** What each reason has to name, so that one knows where to look: an address, a path. */
  readonly about: string
  readonly references?: Partial<References>
  /** Resolves once the probe has let go of it. */
  readonly left?: () => Promise<unknown>
}

/** What goes wrong, by name, and what keeps a probe busy until it is stopped. */
interface Hostiles<T> {
  readonly wrong: Readonly<Record<string, () => Promise<Hostile<T>>>>
  readonly busy: () => Promise<Hostile<T>>
}

/**
 * What every probe must survive. A probe that talks to a server gives a function that makes its target for a port of
 * 127.0.0.1; it should hold a password by a reference, which yields the canary.
 */
export function probeContract<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  targets: ((port: number) => T) | Hostiles<T>,
  options: ContractOptions = {},
): void {
  const { wrong, busy } = typeof targets === 'function' ? onServers(targets, options) : targets

  describe(`${probe.kind} survives`, () => {
    it.each(Object.entries(wrong))('%s', async (_, start) => {
      const { target, about, references = {}, left } = await start()
      const from = performance.now()
      const observation = await look(probe, target, { timeoutMs, references })
      expect(performance.now() - from).toBeLessThan(timeoutMs + graceMs)
      if (!observation) throw new Error('the run was not recorded')
      expect(['fail', 'unknown']).toContain(observation.verdict)
      expectReasons(observation, about, probe)
      expectSamples(observation, probe)
      expect(JSON.stringify(observation)).not.toContain(canary)
      await left?.()
    })
  })

  it(`${probe.kind} ends at once on shutdown, and is not recorded`, async () => {
    const { target, references = {}, left } = await busy()
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(new Error('shutting down')), 100)
    onTestFinished(() => clearTimeout(timer))
    const from = performance.now()
    const observation = await look(probe, target, { timeoutMs: 10_000, references, stop: stop.signal })
    expect(observation).toBeUndefined()
    expect(performance.now() - from).toBeLessThan(100 + graceMs)
    await left?.()
  })
}

function onServers<T>(
  target: (port: number) => T,
  { opening = '220 mail.keybuzz.io ESMTP hostile\r\n', references }: ContractOptions,
): Hostiles<T> {
  const hostile = (start: (opening: string) => Promise<Listening>) => async (): Promise<Hostile<T>> => {
    const server = await started(start(opening))
    return {
      target: target(server.port),
      about: `127.0.0.1:${server.port}`,
      references: references?.(server.port) ?? { value: () => Promise.resolve(canary) },
      left: () => goneFrom(server),
    }
  }
  return {
    wrong: Object.fromEntries(
      Object.entries(servers).map(([name, start]) => [`a server that ${name}`, hostile(start)]),
    ),
    busy: hostile(() => silent()),
  }
}

/** For a probe that talks to no server but the API server of Kubernetes, by its references. */
export const byKubernetes: ContractOptions = {
  opening: 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"kind": "Secret"',
  references: port =>
    createReferences({
      env: { PASS: canary, TOKEN: canary },
      vaults: [],
      kubernetes: { url: `http://127.0.0.1:${port}`, token: { env: 'TOKEN' } },
    }),
}

/** Every reason is of the probe or common to all, and is one line that says what it is about; there is at least one. */
export function expectReasons<T extends Target, Seen>(
  { reasons }: Observation,
  about: string,
  probe: Probe<T, Seen>,
): void {
  expect(reasons.length).toBeGreaterThan(0)
  for (const { code, text } of reasons) {
    expect(Object.keys({ ...probe.reasons, ...commonReasons })).toContain(code)
    expect(text).toContain(about)
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  }
}

/** Every sample is of a metric of the probe, is a number, and has exactly the metric's labels. */
export function expectSamples<T extends Target, Seen>({ samples }: Observation, probe: Probe<T, Seen>): void {
  const metrics = Object.values(probe.metrics)
  for (const { metric, value, labels } of samples) {
    expect(metrics).toContain(metric)
    expect(Object.keys(labels).sort()).toEqual([...metric.labels].sort())
    expect(value).not.toBeNaN()
    if (metric.name.endsWith('_reachable')) expect([0, 1]).toContain(value)
  }
}

async function started(starting: Promise<Listening>): Promise<Listening> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

const goneFrom = (server: Listening): Promise<true> =>
  waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the probe left the server' })
