import { describe, expect, it, onTestFinished } from 'vitest'
import type { Observation, Probe, Target } from '../../src/core/probe.ts'
import type { References } from '../../src/monitor/run.ts'
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

/**
 * What every probe that talks to a server must survive. `target` makes the target for a port of 127.0.0.1; it should
 * hold a password by a reference, which yields the canary.
 */
export function probeContract<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  target: (port: number) => T,
  { opening = '220 mail.keybuzz.io ESMTP hostile\r\n', references: given }: ContractOptions = {},
): void {
  const references = given ?? (() => ({ value: () => Promise.resolve(canary) }))

  describe(`${probe.kind} survives a server that`, () => {
    it.each(Object.entries(servers))('%s', async (_, start) => {
      const server = await started(start(opening))
      const from = performance.now()
      const observation = await look(probe, target(server.port), { timeoutMs, references: references(server.port) })
      expect(performance.now() - from).toBeLessThan(timeoutMs + graceMs)
      if (!observation) throw new Error('the run was not recorded')
      expect(['fail', 'unknown']).toContain(observation.verdict)
      expectReasons(observation, `127.0.0.1:${server.port}`)
      expectSamples(observation, probe)
      expect(JSON.stringify(observation)).not.toContain(canary)
      await goneFrom(server)
    })
  })

  it(`${probe.kind} ends at once on shutdown, and is not recorded`, async () => {
    const server = await started(silent())
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(new Error('shutting down')), 100)
    onTestFinished(() => clearTimeout(timer))
    const from = performance.now()
    const how = { timeoutMs: 10_000, references: references(server.port), stop: stop.signal }
    const observation = await look(probe, target(server.port), how)
    expect(observation).toBeUndefined()
    expect(performance.now() - from).toBeLessThan(100 + graceMs)
    await goneFrom(server)
  })
}

/** Every reason is one line that says which address it is about; there is at least one. */
export function expectReasons({ reasons }: Observation, address: string): void {
  expect(reasons.length).toBeGreaterThan(0)
  for (const { text } of reasons) {
    expect(text).toContain(address)
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
