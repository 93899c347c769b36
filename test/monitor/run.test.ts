import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeadlineExceeded } from '../../src/core/errors.ts'
import { failureOf, finding, type Look } from '../../src/core/probe.ts'
import { deadline } from '../../src/core/deadline.ts'
import { checkOf, codesOf, fine, never, noReferences, observed, reason, sleep, timed, untilAborted } from './checks.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 12, 8) }))
afterEach(() => void vi.useRealTimers())

describe('a run', () => {
  it('that ends in time is recorded with who, when and how long', async () => {
    const check = checkOf(async () => {
      await sleep(70)
      return fine
    })
    const { observation } = await timed(check)
    const startedAt = Date.UTC(2026, 0, 12, 8)
    expect(observation).toEqual({
      probe: 'fake',
      target: 'it',
      config: { name: 'it' },
      seen: {},
      startedAt,
      finishedAt: startedAt + 70,
      phases: {},
      unmet: [],
      transcript: expect.any(Function) as unknown,
      heldUpMs: 0,
      timedOut: false,
      ...fine,
    })
  })

  it('sees the same of a server as others do, whatever somebody has for a password', async () => {
    const facts = {
      server_address: '192.0.2.7',
      postmaster_start: '2026-01-12T08:00:00.123456',
      system_identifier: '7381234567890123456',
      wal_file_timeline: '0000000100000000',
      receiver_status: 'streaming',
      ladder: [{ rung: 'commit', ok: true }],
    }
    const told = { address: 'db.example:5432', why: 'refused 2026', whole: '87654321' }
    const passwords = ['192.0.2.7', '2026', '1234', '0000', 'streaming', 'commit', 'db.example', '87654321']
    const check = {
      ...checkOf(() => Promise.resolve(fine)),
      look: (look: Look) => {
        for (const password of passwords) look.conceal(password)
        return Promise.resolve({ seen: { ...facts, ...told }, finding: fine })
      },
    }
    const { observation } = await timed(check)
    expect(observation?.seen).toMatchObject(facts)
    expect(observation?.seen).toMatchObject({
      address: '<secret>:5432',
      why: 'refused <secret>',
      whole: '<secret>',
    })
  })

  it('that heeds the signal ends at its deadline, and what it saw counts', async () => {
    const check = checkOf(async look => {
      const failure = await look
        .phase('connect', () => untilAborted(look.signal))
        .catch((error: unknown) => failureOf(error, look, 'db-1:5432'))
      return finding('', [reason('refused', failure.text)], [])
    })
    const { observation, took } = await timed(check)
    expect(took).toBe(5_000)
    expect(observation).toMatchObject({ verdict: 'fail', seen: {}, phases: { connect: 5 } })
    expect(observation?.evidence).toBe('db-1:5432: no answer within 5 s (phase connect)')
  })

  it('may wind up for a moment after its deadline', async () => {
    const check = checkOf(async look => {
      await untilAborted(look.signal).catch(() => sleep(200))
      return fine
    })
    expect(await timed(check)).toMatchObject({ took: 5_200, observation: { verdict: 'ok' } })
  })

  it('that heeds nothing is cut off 250 ms after its deadline, and says in which phase', async () => {
    const { observation, took } = await timed(checkOf(look => look.phase('commit', never)))
    expect(took).toBe(5_250)
    expect(observation).toMatchObject({
      verdict: 'fail',
      seen: undefined,
      evidence: 'no answer within 5 s (phase commit)',
    })
    expect(observation && codesOf(observation)).toEqual([['deadline_exceeded', 'fail']])
  })

  it('that fails of the deadline without a word about it has exceeded it', async () => {
    const seen = await observed(look => untilAborted(look.signal))
    expect([codesOf(seen), seen.evidence]).toEqual([
      [['deadline_exceeded', 'fail']],
      'no answer within 5 s (phase start)',
    ])
  })

  it('that was cut off changes nothing any more of what was recorded', async () => {
    const seen = await observed(async look => {
      await sleep(10_000)
      look.took('late', 10_000)
    })
    expect(codesOf(seen)).toEqual([['deadline_exceeded', 'fail']])
    expect(seen.phases).toEqual({})
  })

  it('that throws is a bug of the exporter, and nothing is known', async () => {
    const seen = await observed(() => Promise.reject(new TypeError('x is\nnot a function')))
    expect([codesOf(seen), seen.evidence, seen.seen]).toEqual([
      [['probe_error', 'unknown']],
      'x is not a function',
      undefined,
    ])
    const atOnce = checkOf(() => Promise.resolve(fine), {
      look: () => {
        throw new Error('at once')
      },
    })
    expect((await timed(atOnce)).observation?.evidence).toBe('at once')
  })
})

describe('a shutdown', () => {
  const stopIn = (ms: number) => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('SIGTERM')), ms)
    return stop.signal
  }

  it.each<[string, (look: Look) => Promise<unknown>, number]>([
    ['a probe that heeds the signal', look => untilAborted(look.signal), 1_000],
    ['a probe that heeds nothing', never, 1_250],
    ['a probe that swallows the abort', look => untilAborted(look.signal).catch(() => fine), 1_000],
  ])('ends %s, and nothing is recorded', async (_, look, ms) => {
    const check = checkOf(async given => {
      await look(given)
      return fine
    })
    expect(await timed(check, noReferences, stopIn(1_000))).toEqual({ observation: undefined, took: ms })
  })

  it('before the run began keeps it from beginning', async () => {
    const look = vi.fn(() => Promise.resolve(fine))
    expect(await timed(checkOf(look), noReferences, AbortSignal.abort(new Error('SIGTERM')))).toEqual({
      observation: undefined,
      took: 0,
    })
    expect(look).not.toHaveBeenCalled()
  })
})

describe('a deadline', () => {
  it('aborts with a reason that says how long, or with that of the shutdown', async () => {
    const stop = new AbortController()
    const [first, second] = [deadline(1_500, stop.signal), deadline(9_000, stop.signal)]
    await vi.advanceTimersByTimeAsync(1_500)
    expect(first.signal.reason).toEqual(new DeadlineExceeded(1_500))
    expect((first.signal.reason as Error).message).toBe('no answer within 1.5 s')
    expect(second.signal.aborted).toBe(false)
    stop.abort(new Error('SIGTERM'))
    expect(second.signal.reason).toEqual(new Error('SIGTERM'))
    for (const one of [first, second]) one.clear()
    expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  })
})
