import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Look } from '../../src/core/probe.ts'
import { run, type Ran } from '../../src/monitor/run.ts'
import { limits, takeNotes } from '../../src/core/transcript.ts'
import { shapes } from '../../src/core/shape.ts'
import { checkOf, fine, never, noReferences, references, sleep } from '../monitor/checks.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 12, 8) }))
afterEach(() => void vi.useRealTimers())

async function ran(look: (look: Look) => Promise<unknown>, given = noReferences): Promise<Ran> {
  const check = checkOf(one => look(one).then(() => fine))
  const running = run(check, given, new AbortController().signal)
  await vi.advanceTimersByTimeAsync(60_000)
  const result = await running
  if (!result) throw new Error('the run was cut off')
  return result
}
const linesOf = ({ transcript }: Ran): string[] =>
  transcript().map(({ atMs, phase, text }) => `${atMs} ${phase}: ${text}`)

describe('the transcript of a run', () => {
  it('has its notes with time and phase, and how each phase ended', async () => {
    const given = references(async (_reference, _signal, { note } = {}) => {
      await sleep(5)
      note?.('env HOST was fetched')
      return 'db-1'
    })
    const result = await ran(async look => {
      look.note('before all')
      await look.text('host', { env: 'HOST' }, shapes.host)
      await look.phase('connect', () => sleep(20))
      look.note('connected')
    }, given)
    expect(linesOf(result)).toEqual([
      '0 start: before all',
      '5 references: host: env HOST was fetched',
      '5 references: done after 5.0 ms',
      '25 connect: done after 20.0 ms',
      '25 connect: connected',
    ])
  })

  it('has the code of an error, and not its text, which a probe may have to keep to itself', async () => {
    const refused = Object.assign(new Error('getaddrinfo ENOTFOUND secret-host'), { code: 'ENOTFOUND' })
    const result = await ran(look => look.phase('dns', () => Promise.reject(refused)).catch(() => undefined))
    expect(linesOf(result)).toEqual(['0 dns: failed with ENOTFOUND after 0.0 ms'])
  })

  it('says that the time was up, and where', async () => {
    const result = await ran(async look => {
      await look.phase('connect', () => sleep(20))
      await look.phase('commit', never)
    })
    expect(linesOf(result)).toEqual(['20 connect: done after 20.0 ms', '5250 commit: no answer within 5 s'])
  })

  it('knows no secret, whenever and however it came in', async () => {
    const given = references(() => Promise.resolve('p@ss"word\nin two lines'))
    const result = await ran(async look => {
      look.note('sent p@ss"word\nin two lines')
      await look.secret('password', { env: 'PASSWORD' })
      look.note(JSON.stringify({ password: 'p@ss"word\nin two lines' }))
      look.note(`AUTH ${Buffer.from('\0me\0p@ss"word\nin two lines').toString('base64')}`)
      look.note(`${'x'.repeat(limits.note - 10)} p@ss"word\nin two lines`)
    }, given)
    const text = linesOf(result).join('\n')
    expect(text.match(/<secret>/g)).toHaveLength(4)
    expect(text).not.toMatch(/p@ss|two lines/)
  })

  it('is closed with the run', async () => {
    const result = await ran(async look => {
      await sleep(10_000)
      look.note('too late')
    })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(linesOf(result)).toEqual(['5250 start: no answer within 5 s'])
  })
})

describe('notes', () => {
  const textsOf = (notes: readonly string[]): string[] => {
    const { note, soFar } = takeNotes()
    for (const text of notes) note('talk', text)
    return soFar()(text => text).map(({ text }) => text)
  }

  it('are bounded in number: the middle is left out, and it is said how much', () => {
    const texts = textsOf(Array.from({ length: 1_000 }, (_, n) => `note ${n}`))
    expect(texts).toHaveLength(limits.notes + 1)
    expect([texts[0], texts[limits.notes / 2 - 1], texts.at(-1)]).toEqual(['note 0', 'note 49', 'note 999'])
    expect(texts[limits.notes / 2]).toBe('… 900 more, which are not kept')
  })

  it('are bounded in length, each and together', () => {
    const texts = textsOf(Array.from({ length: 50 }, (_, n) => `${n} ${'x'.repeat(5_000)}`))
    expect(Math.max(...texts.map(text => text.length))).toBe(limits.note)
    expect(texts.join('').length).toBeLessThan(limits.all + 100)
    expect(texts.at(-1)).toMatch(/^49 x+…$/)
  })

  it('are lines that leave the terminal of who reads them alone', () => {
    expect(textsOf(['250-a\r\n250 b\u001b[2J\u0007\u202e\tc\u2028d'])).toEqual(['250-a\n250 b [2J c d'])
  })
})
