import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { gauge, sample } from '../../src/core/metric.ts'
import { checkId, finding, type Check, type Look } from '../../src/core/probe.ts'
import { checkOf, fine, reason } from '../monitor/checks.ts'
import { silent } from '../servers/hostile.ts'
import { growths, heapGrowth, unevenness, type Reading } from './flat.ts'
import { enoughFaults, neverOkIn, unevenLife } from './life.ts'
import { soak, type SoakOptions } from './soak.ts'
import { startTargets, type Targets } from './targets.ts'

describe('the soak', { tags: 'slow' }, () => {
  it('leaves nothing behind after hundreds of failing runs of every probe', { timeout: 240_000 }, async () => {
    const targets = await startTargets()
    try {
      const soaked = await soak(targets, { rounds: 1_000, every: 1, limitMs: 180_000 })
      expect(soaked.uneven).toEqual([])
      expect(soaked.rounds).toBeGreaterThanOrEqual(1_000)
      // Of all runs that are kept: the last one may have come too late, on a machine that is busy.
      const { checks, records } = soaked.status
      const kept = (id: string) => records.get(id)?.failed.flatMap(run => run.reasons) ?? []
      const all = checks.map(({ id, reasons }) => [id, [...reasons, ...kept(id)].map(({ code }) => code)] as const)
      const reasons = new Map(all)
      // It fails for what it should fail for, and not only by its deadline.
      for (const [id, code] of Object.entries(expected)) expect(reasons.get(id), id).toContain(code)
      expect(all.flatMap(([, codes]) => codes)).not.toContain('probe_error')
    } finally {
      await targets.stop()
    }
  })
})

const expected: Readonly<Record<string, string>> = {
  'postgres/refused': 'postgres_unreachable',
  'postgres/wrong password': 'postgres_login_failed',
  'write_path/silent': 'write_path_no_answer',
  'write_path/closes': 'write_path_closed',
  'write_path/standby': 'write_path_read_only',
  'write_path/stuck commit': 'write_path_commit_stuck',
  'write_path/no .env': 'reference_unresolved',
  'smtp/drips none': 'smtp_no_answer',
  'smtp/535': 'smtp_auth_failed',
  'smtp/535 held off': 'smtp_auth_failed',
  'smtp/AUTH cut': 'smtp_closed',
  'vault/sealed': 'vault_sealed',
  'vault/a device for a token': 'vault_unreachable',
  'settings/no .env': 'setting_unreadable',
  'ses/refused': 'ses_unreachable',
  'ses/silent': 'ses_no_answer',
  'ses/garbage': 'ses_not_ses',
  'ses/wrong secret': 'ses_secret_wrong',
  'ses/denied': 'ses_permission_missing',
  'ses/throttling': 'ses_throttled',
  'ses/no .aws': 'ses_unreadable',
  'outbox/drips': 'outbox_unreadable',
  'outbox/no table': 'outbox_unreadable',
}

/** What fails fast, and no server. */
const nothing: Targets = {
  config:
    'packages: [{ name: app, folder: /nowhere, require: [a] }]\nmail: [{ name: app, provider: { file: /nowhere } }]',
  env: {},
  servers: new Map(),
  nodes: [],
  forget: () => undefined,
  stop: () => Promise.resolve(),
}

const broken = finding('', [reason('refused', 'it is refused')], [])

const leaking = (look: (look: Look) => unknown): Check =>
  checkOf(async given => {
    await look(given)
    return broken
  })

const soakWith = async (check: Check, options: Partial<SoakOptions> = {}): Promise<string> => {
  const soaked = await soak(nothing, { rounds: 30, every: 30, limitMs: 60_000, more: [check], ...options })
  expect(soaked.status.records.get(checkId(check))?.runs).toBeGreaterThanOrEqual(4)
  return soaked.uneven.join('\n')
}

// Else nobody would know that it can fail.
describe('the soak catches', { tags: 'slow', timeout: 60_000 }, () => {
  it('a socket that is not closed, on both sides', async () => {
    const server = await silent()
    const sockets: net.Socket[] = []
    const check = leaking(async () => {
      const socket = net.connect(server.port, server.host)
      sockets.push(socket)
      await new Promise(resolve => socket.once('connect', resolve))
    })
    try {
      const uneven = await soakWith(check)
      expect(uneven).toMatch(/handle TCPSocketWrap: \d+, was/)
      expect(uneven).toMatch(/fd socket: \d+, was/)
    } finally {
      for (const socket of sockets) socket.destroy()
      await server.close()
    }
  })

  it('a timer that goes on', async () => {
    const timers: NodeJS.Timeout[] = []
    try {
      expect(await soakWith(leaking(() => timers.push(setInterval(() => undefined, 1_000))))).toMatch(/handle Timeout/)
    } finally {
      timers.forEach(clearInterval)
    }
  })

  it('a listener left on the signal that stops everything', async () => {
    const stop = new AbortController()
    const check = leaking(() => stop.signal.addEventListener('abort', () => undefined))
    expect(await soakWith(check, { stop: stop.signal })).toMatch(/abort listeners: \d+, was 0/)
  })

  it('a series for each run, kept for ever', async () => {
    const runs = gauge('mailpath_leak', 'Grows.', ['run'])
    let count = 0
    const check = checkOf(() => {
      count++
      const samples = Array.from({ length: count }, (_, run) => sample(runs, 1, { run: String(run) })).flat()
      return Promise.resolve({ ...broken, samples })
    })
    expect(await soakWith(check, { every: 3 })).toContain('series of mailpath_leak: more with every reading')
  })

  it('a target that works after all', async () => {
    const check = checkOf(() => Promise.resolve(fine))
    expect(await soakWith(check)).toContain(`${checkId(check)} is ok`)
  })
})

describe('the heap', () => {
  const readings = (megabytes: readonly number[]): Reading[] =>
    megabytes.map((mb, at) => ({ rounds: at, seconds: at, heap: mb * 1e6, rss: 0, series: {}, counts: {} }))

  it.each([
    ['flat', [40, 40, 40, 40, 40, 40, 40, 40], true],
    ['only at first growing', [30, 38, 40, 40, 40, 41, 40, 40], true],
    ['with one peak', [40, 40, 40, 40, 90, 40, 40, 41], true],
    ['within the tolerance', [40, 40, 40, 40, 42, 44, 45, 45.9], true],
    ['growing', [40, 41, 42, 43, 44, 46, 48, 50], false],
    ['too short to tell', [40, 50, 60], true],
  ])('%s: %j', (_, heap, isFlat) => {
    expect(unevenness(readings(heap), {}, true).length === 0).toBe(isFlat)
    expect(unevenness(readings(heap), {}, false)).toEqual([])
  })

  it('is compared by the medians of the second and of the last quarter', () => {
    expect(heapGrowth(readings([1, 2, 30, 40, 50, 60, 70, 80]))).toEqual({ before: 40e6, after: 80e6 })
    expect(heapGrowth(readings([1, 2, 3]))).toBeUndefined()
  })
})

describe('counts of what is never at rest', () => {
  const readings = (counts: readonly number[]) => counts.map(count => ({ counts: { 'fd socket': count } }))

  it.each([
    ['flat', [9, 9, 9, 9, 9, 9, 9, 9], true],
    ['now and then one more', [9, 9, 10, 9, 11, 9, 10, 9], true],
    ['one more with each reading', [9, 10, 11, 12, 13, 14, 15, 16], false],
    ['more since the middle', [9, 9, 9, 9, 9, 90, 90, 90], false],
    ['one more with each of many', Array.from({ length: 40 }, (_, at) => 9 + at), false],
    ['some more on a busier machine', Array.from({ length: 40 }, (_, at) => (at < 20 ? 9 : 17)), true],
    ['more at first only', [9, 30, 30, 30, 30, 30, 30, 30], true],
  ])('%s: %j', (_, counts, isFlat) => {
    expect(growths(readings(counts)).length === 0).toBe(isFlat)
  })

  it('are none where nothing is said of them', () => {
    const later = [1, 2, 3, 4].map(() => ({ counts: { 'handle Timeout': 7 } }))
    expect(growths([...readings([9, 9, 9, 9]), ...later])).toEqual([
      'handle Timeout: median 7 in the last quarter, 0 in the second',
    ])
  })
})

describe('the life of the daemon', () => {
  const growing = (count: number, memory: 'heap' | 'malloc') =>
    Array.from({ length: count }, (_, turn) => ({
      counts: {},
      notOk: [],
      heap: 30e6,
      malloc: 20e6,
      [memory]: 20e6 + turn * 1e6,
    }))

  it.each(['heap', 'malloc'] as const)('is not flat where %s grows', memory => {
    expect(unevenLife(growing(12, memory))).toEqual([expect.stringMatching(new RegExp(`^${memory}: median`))])
  })

  it('is not judged by fewer faults than it takes', () => {
    expect(unevenLife(growing(enoughFaults - 1, 'heap'))).toEqual([])
  })

  it('may be late for a check after each fault, as long as it is well again after one', () => {
    const faults = [['a', 'b'], ['a'], ['a', 'b', 'c'], ['target="dead name"', 'a', 'b']].map(notOk => ({ notOk }))
    expect(neverOkIn(faults)).toEqual(['a'])
    expect(neverOkIn([{ notOk: ['target="dead name"'] }])).toEqual([])
  })
})
