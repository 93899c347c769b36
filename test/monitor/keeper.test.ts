import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Check, Look, Looked, Watch, WatchStance } from '../../src/core/probe.ts'
import { startLook } from '../../src/monitor/look.ts'
import { createKeeper, rarest } from '../../src/monitor/keeper.ts'
import { checkOf, fine, noReferences, untilAborted } from './checks.ts'

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

const intervalMs = 15_000

/** A target that is watched: what it has open, and a way to end it. */
function target(open?: (look: Look) => Promise<Watch>, trustedMs = 0) {
  const openings: number[] = []
  const log: string[] = []
  let end = (): void => undefined
  let isDumb = (): boolean => false
  const standard = (): Promise<Watch<Looked>> => {
    const ended = new Promise<void>(resolve => (end = resolve))
    const close = (): Promise<void> => {
      log.push('closed')
      end()
      return ended
    }
    const ask = (): Promise<Looked | undefined> => {
      log.push('asked')
      return Promise.resolve(isDumb() ? undefined : { seen: 'open', finding: fine })
    }
    return Promise.resolve({ ended, close, ask })
  }
  const check: Check = checkOf(() => Promise.resolve(fine), {
    intervalMs,
    look: () => {
      log.push('logged in')
      return Promise.resolve({ seen: 'open', finding: fine })
    },
    watch: {
      trustedMs,
      stance: seen => seen as WatchStance,
      open: look => {
        openings.push(Date.now())
        return (open ?? standard)(look)
      },
    },
  })
  return { check, openings, log, end: () => end(), dumb: () => (isDumb = () => true) }
}

function keeping(one: ReturnType<typeof target>, news: () => boolean = () => false) {
  const stop = new AbortController()
  const lost: number[] = []
  const keeper = createKeeper(one.check, () => noReferences, stop.signal)
  const observed = (seen: WatchStance | undefined) => ({
    ...fine,
    probe: 'fake',
    target: 'it',
    config: { name: 'it' },
    seen,
    startedAt: 0,
    finishedAt: 0,
    phases: {},
    unmet: [],
  })
  const ran = async (seen: WatchStance | undefined): Promise<void> => {
    void keeper.after(observed(seen)).then(isLost => {
      if (!isLost) return
      lost.push(Date.now())
      keeper.endWas(news())
    })
    await vi.advanceTimersByTimeAsync(0)
  }
  return { keeper, stop, lost, ran, gaveWay: (seen: WatchStance) => keeper.gaveWay(observed(seen)) }
}

async function expectOpenedRarely(
  { openings }: ReturnType<typeof target>,
  ran: ReturnType<typeof keeping>['ran'],
): Promise<void> {
  await vi.advanceTimersByTimeAsync((rarest - 1) * intervalMs)
  await ran('open')
  expect(openings).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(intervalMs)
  await ran('open')
  expect(openings).toHaveLength(2)
}

describe('a watch', () => {
  it('is opened after a run that was let in, once', async () => {
    const one = target()
    const { ran } = keeping(one)
    for (const seen of ['closed', undefined, 'in_the_way'] as const) await ran(seen)
    expect(one.openings).toEqual([])
    for (const _ of [1, 2, 3]) await ran('open')
    expect(one.openings).toHaveLength(1)
  })

  it('is closed by the first run that is not let in, so that it holds up no shutdown, and wakes no check', async () => {
    const one = target()
    const { ran, lost } = keeping(one)
    await ran('open')
    await ran('closed')
    expect([one.log, lost]).toEqual([['closed'], []])
  })

  it('stays through a run that could not look', async () => {
    const one = target()
    const { ran } = keeping(one)
    await ran('open')
    await ran(undefined)
    expect(one.log).toEqual([])
  })

  it('that the target ends is reported, and is opened again no more often than the check runs by itself', async () => {
    const one = target()
    const { ran, lost } = keeping(one, () => true)
    await ran('open')
    for (let n = 0; n < 240; n++) {
      one.end()
      await vi.advanceTimersByTimeAsync(250)
      await ran('open')
    }
    expect(lost).toHaveLength(4)
    expect(one.openings).toEqual([0, 1, 2, 3, 4].map(n => n * intervalMs))
  })

  it('whose ends tell nothing is opened ever more rarely, up to a limit', async () => {
    const one = target()
    const { ran } = keeping(one)
    const rounds = 6 * rarest
    for (let n = 0; n < rounds; n++) {
      await ran('open')
      one.end()
      await vi.advanceTimersByTimeAsync(intervalMs)
    }
    const apart = one.openings.slice(1).map((at, i) => (at - (one.openings[i] ?? NaN)) / intervalMs)
    expect(apart).toEqual([2, 4, 8, 16, 32, rarest, rarest, rarest, rarest, rarest].slice(0, apart.length))
    expect(apart.length).toBeGreaterThan(7)
  })

  it.each([
    ['lasted', 'long enough', false],
    ['ended', 'with news', true],
  ])('that %s %s is opened again as soon as at first', async (_, how, news) => {
    const one = target()
    let isNews = false
    const { ran } = keeping(one, () => isNews)
    const endAfter = async (ms: number): Promise<void> => {
      await ran('open')
      await vi.advanceTimersByTimeAsync(ms)
      one.end()
      await vi.advanceTimersByTimeAsync(0)
    }
    for (const _ of [1, 2, 3]) {
      await endAfter(1_000)
      await vi.advanceTimersByTimeAsync(16 * intervalMs)
    }
    isNews = news
    await endAfter(how === 'long enough' ? rarest * intervalMs : 1_000)
    const before = one.openings.length
    await vi.advanceTimersByTimeAsync(intervalMs)
    await ran('open')
    expect(one.openings).toHaveLength(before + 1)
  })

  it('is given up where there is no room for anybody, and is not opened again soon', async () => {
    const one = target()
    const { ran, lost } = keeping(one)
    await ran('open')
    await ran('no_room')
    expect([one.log, lost]).toEqual([['closed'], []])
    await expectOpenedRarely(one, ran)
  })

  it('gives way to a run for which there is no room, and is not opened again soon', async () => {
    const one = target()
    const { ran, gaveWay, lost } = keeping(one)
    expect(await gaveWay('in_the_way')).toBe(false)
    await ran('open')
    expect([await gaveWay('open'), one.log]).toEqual([false, []])
    expect([await gaveWay('in_the_way'), one.log, lost]).toEqual([true, ['closed'], []])
    expect(await gaveWay('in_the_way')).toBe(false)
    await expectOpenedRarely(one, ran)
  })

  it.each([
    ['is refused', () => Promise.reject(new Error('no'))],
    ['hangs', (look: Look) => untilAborted(look.signal)],
  ])('whose opening %s is no matter, and is tried again no sooner than the check runs by itself', async (_, open) => {
    const one = target(open)
    const { ran, lost, stop } = keeping(one)
    for (let n = 0; n < 40; n++) {
      await ran('open')
      await vi.advanceTimersByTimeAsync(intervalMs / 4)
    }
    expect(one.openings).toHaveLength(10)
    expect([lost, vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([[], 0, 0])
  })

  it.each([
    ['while it is open', undefined],
    ['while it is being opened', (look: Look) => untilAborted(look.signal)],
  ])('ends with its check, %s', async (_, open) => {
    const one = target(open)
    const { keeper, ran, stop, lost } = keeping(one)
    await ran('open')
    stop.abort(new Error('SIGTERM'))
    await keeper.ended()
    await ran('open')
    expect(one.openings).toHaveLength(1)
    expect([lost, vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length]).toEqual([[], 0, 0])
  })

  describe('that is trusted', () => {
    const { look } = startLook(target().check, noReferences, new AbortController().signal)
    /** What so many runs did, one in each interval. */
    const inTurn = async (
      one: ReturnType<typeof target>,
      { keeper, ran }: ReturnType<typeof keeping>,
      runs: number,
    ) => {
      const from = one.log.length
      for (let n = 0; n < runs; n++) {
        expect(await keeper.look(look)).toEqual({ seen: 'open', finding: fine })
        await ran('open')
        await vi.advanceTimersByTimeAsync(intervalMs)
      }
      return one.log.slice(from)
    }

    it('is asked by runs until it is time for a login', async () => {
      const one = target(undefined, 4 * intervalMs)
      const round = ['logged in', 'asked', 'asked', 'asked']
      expect(await inTurn(one, keeping(one), 8)).toEqual([...round, ...round])
      expect(one.openings).toHaveLength(1)
    })

    it('is not asked where each run is to log in', async () => {
      const one = target()
      expect(await inTurn(one, keeping(one), 3)).toEqual(['logged in', 'logged in', 'logged in'])
    })

    it('leaves the run to a login where it tells nothing, and where it has ended', async () => {
      const one = target(undefined, 4 * intervalMs)
      const kept = keeping(one)
      await inTurn(one, kept, 1)
      one.dumb()
      expect(await inTurn(one, kept, 1)).toEqual(['asked', 'logged in'])
      one.end()
      await vi.advanceTimersByTimeAsync(0)
      expect(await inTurn(one, kept, 1)).toEqual(['logged in'])
    })
  })

  it('is nothing that every check has', async () => {
    const { watch: _, ...unwatched } = target().check
    const stop = new AbortController()
    const keeper = createKeeper(unwatched, () => noReferences, stop.signal)
    await keeper.ended()
    expect(vi.getTimerCount()).toBe(0)
  })
})
