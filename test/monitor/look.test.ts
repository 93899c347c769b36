import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Unresolved } from '../../src/core/errors.ts'
import { finding } from '../../src/core/probe.ts'
import type { Reference } from '../../src/core/reference.ts'
import type { References } from '../../src/monitor/look.ts'
import { shapes } from '../../src/core/shape.ts'
import { checkOf, codesOf, fine, observed, reason, references, sleep, timed, untilAborted } from './checks.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 12, 8) }))
afterEach(() => void vi.useRealTimers())

describe('references', () => {
  it('that cannot be fetched leave everything unknown, and say which and why', async () => {
    const gone = references(() => Promise.reject(new Unresolved('file /run/pw: no such file')))
    const seen = await observed(look => look.secret('password', { file: '/run/pw' }), gone)
    expect(codesOf(seen)).toEqual([['reference_unresolved', 'unknown']])
    expect(seen.evidence).toBe('password: file /run/pw: no such file')
    const settings = await observed(look => look.settings('from', { dotenv: '/app/.env' }))
    expect(settings.evidence).toBe('from: the test has no settings')
  })

  it('out of a Vault that gives nothing are a need that is not met, and out of anything else none', async () => {
    const password = { vault: { target: 'vault-01', path: 'secret/data/app', key: 'PASSWORD' } }
    const outcome = async (value: References['value']) => {
      const seen = await observed(async look => {
        await look.text('host', { env: 'HOST' }, shapes.host).catch(() => undefined)
        await look.secret('password', password)
      }, references(value))
      return seen.unmet
    }
    const onlyFrom = (given: keyof Reference) => (reference: Reference) =>
      reference[given] ? Promise.resolve('given') : Promise.reject(new Unresolved('nothing'))
    expect(await outcome(onlyFrom('env'))).toEqual(['vault/vault-01'])
    expect(await outcome(onlyFrom('vault'))).toEqual([])
  })

  it('that hang are unresolved at the deadline', async () => {
    const seen = await observed(
      look => look.secret('url', { env: 'URL' }),
      references((_, signal) => untilAborted(signal)),
    )
    expect([codesOf(seen), seen.evidence]).toEqual([[['reference_unresolved', 'unknown']], 'url: no answer within 5 s'])
  })

  it('are not needed for a plain value', async () => {
    const texts: string[] = []
    await observed(async look =>
      texts.push(String(await look.text('port', 5432, shapes.port)), await look.text('host', 'db-1', shapes.host)),
    )
    expect(texts).toEqual(['5432', 'db-1'])
  })
})

describe('a secret', () => {
  const password = 'pa/ss wörd+1'
  const forms = [password, encodeURIComponent(password), Buffer.from(password).toString('base64')]

  it('is blotted out of everything the run says, also encoded', async () => {
    const check = checkOf(async look => {
      await look.secret('password', { env: 'PASSWORD' })
      look.conceal('inside-of-a-url')
      const text = [...forms, 'inside-of-a-url'].join(' | ')
      return finding('', [reason('refused', `said ${text}`, `try ${text}`)], [])
    })
    const { observation } = await timed(
      check,
      references(() => Promise.resolve(password)),
    )
    const blots = forms.map(() => '<secret>').join(' | ')
    expect(observation?.reasons).toMatchObject([
      { text: `said ${blots} | <secret>`, remedy: `try ${blots} | <secret>` },
    ])
    expect(observation?.evidence).toBe(`said ${blots} | <secret>`)
  })

  it('is blotted out of the errors of a bug, a failed reference and a good finding too', async () => {
    const given = references(() => Promise.resolve(password))
    const bug = await observed(async look => {
      throw new Error(`cannot use ${await look.secret('password', { env: 'PASSWORD' })}`)
    }, given)
    expect(bug.evidence).toBe('cannot use <secret>')
    const good = checkOf(async look => finding(`in as ${await look.secret('password', { env: 'PASSWORD' })}`, [], []))
    expect((await timed(good, given)).observation).toMatchObject({ verdict: 'ok', evidence: 'in as <secret>' })
  })

  it('is blotted out of what was seen, however deep', async () => {
    const check = checkOf(() => Promise.resolve(fine), {
      look: async look => {
        const secret = await look.secret('password', { env: 'PASSWORD' })
        return { seen: { replies: [{ text: `no ${secret}` }], at: 7, none: undefined }, finding: fine }
      },
    })
    const { observation } = await timed(
      check,
      references(() => Promise.resolve(password)),
    )
    expect(observation?.seen).toEqual({ replies: [{ text: 'no <secret>' }], at: 7, none: undefined })
  })

  it('that is a common word does not change codes and verdicts', async () => {
    const check = checkOf(async look => {
      await look.secret('password', { env: 'PASSWORD' })
      return finding('', [reason('refused', 'refused')], [])
    })
    const { observation } = await timed(
      check,
      references(() => Promise.resolve('refused')),
    )
    expect(observation?.reasons).toMatchObject([{ code: 'refused', severity: 'high', text: '<secret>' }])
  })

  it('of one run is none of the next', async () => {
    const given = references(() => Promise.resolve(password))
    await observed(look => look.secret('password', { env: 'PASSWORD' }), given)
    const text = `a database named ${password}`
    expect((await timed(checkOf(() => Promise.resolve(finding(text, [], []))))).observation?.evidence).toBe(text)
  })
})

describe('phases', () => {
  it('are timed in seconds and add up, the fetching of references among them', async () => {
    const given = references(async () => {
      await sleep(30)
      return 'db-1'
    })
    const seen = await observed(async look => {
      await look.secret('url', { env: 'URL' })
      await look.phase('connect', () => sleep(100))
      await look.phase('query', () => sleep(20))
      await look.phase('query', () => sleep(40))
      look.took('tls', 5)
    }, given)
    const phases = { references: 0.03, connect: 0.1, query: 0.06, tls: 0.005 }
    expect(Object.keys(seen.phases)).toEqual(Object.keys(phases))
    for (const [phase, took] of Object.entries(phases)) expect(seen.phases[phase]).toBeCloseTo(took, 6)
  })

  it('name where a failure happened, and pass it on', async () => {
    const where: string[] = []
    const seen = await observed(async look => {
      where.push(look.current)
      await look.phase('dns', () => sleep(10))
      await look.phase('connect', () => Promise.reject(new Error('refused'))).catch(() => where.push(look.current))
      await look.phase('tls', () => {
        throw new Error('no TLS')
      })
    })
    expect([where, seen.evidence, Object.keys(seen.phases)]).toEqual([
      ['start', 'connect'],
      'no TLS',
      ['dns', 'connect', 'tls'],
    ])
  })
})
