import fc from 'fast-check'
import { expect, it } from 'vitest'
import { byVerdict, finding, type Reason, type Verdict } from '../../src/core/probe.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { intervalMs, start, type Looked } from '../status/looked.ts'
import { account, pathOver, provider } from './mail-cases.ts'

/** How a check can stand, better first; the states of a rank are as bad as one another. */
const ranks = {
  plain: [['ok'], ['warn'], ['unknown', 'stale', 'never'], ['fail']],
  ses: [
    ['proven'],
    ['warned'],
    ['not asked', 'denied', 'unreadable', 'stale', 'never'],
    ['absent', 'stub', 'partial', 'refused'],
  ],
  mail: [
    ['smtp', 'ses'],
    ['other', 'unreadable', 'stale', 'never'],
  ],
} as const satisfies Record<string, readonly (readonly string[])[]>

interface Slot {
  readonly probe: string
  readonly state: string
}
const scaleOf = (probe: string): readonly (readonly string[])[] =>
  probe === 'ses' ? ranks.ses : probe === 'mail' ? ranks.mail : ranks.plain
const rankOf = ({ probe, state }: Slot): number => scaleOf(probe).findIndex(states => states.includes(state))

const slot = (probe: string): fc.Arbitrary<Slot> =>
  fc.constantFrom(...scaleOf(probe).flat()).map(state => ({ probe, state }))
const slots = (probe: string, maxLength: number) => fc.array(slot(probe), { maxLength })
/** Every platform has its provider, and any number of the rest. */
const platforms = fc
  .tuple(
    slot('mail'),
    slots('write_path', 2),
    slots('settings', 2),
    slots('packages', 1),
    slots('smtp', 2),
    slots('ses', 2),
    slots('vault', 2),
  )
  .map(([own, ...others]) => [own, ...others.flat()])

/** The check of a slot; relays and SES accounts take their secrets from the first Vault. */
function looked({ probe, state }: Slot, index: number): Looked {
  const base = typical(probe, state, ['smtp', 'ses'].includes(probe) ? ['vault/vault-0'] : [])
  const target = probe === 'mail' ? base.check.target : `${probe}-${index}`
  const check = { ...base.check, target }
  if (state === 'never' || !base.observation) return { check, observation: undefined }
  const at = state === 'stale' ? start - 4 * intervalMs : start
  return { check, observation: { ...base.observation, target, startedAt: at, finishedAt: at } }
}

function typical(probe: string, state: string, needs: readonly string[]): Looked {
  const old = state === 'stale' || state === 'never'
  if (probe === 'mail') return provider(old ? 'smtp' : (state as 'smtp' | 'ses' | 'other' | 'unreadable'))
  if (probe === ses.kind) return account(old ? 'absent' : (state as 'proven' | 'absent'), needs)
  const verdict = old ? 'ok' : (state as Verdict)
  const code = `${probe}_${verdict === 'unknown' ? 'password_unresolved' : verdict}`
  const reasons: Reason[] =
    verdict === 'ok' ? [] : [{ code, verdict, severity: 'high', text: `it: ${code}`, remedy: 'fix it' }]
  const about = { probe, target: probe, config: { name: probe } }
  const look = () => Promise.reject(new Error('a check of these tests is not run'))
  return {
    check: { ...about, intervalMs, timeoutMs: 5_000, needs, look },
    observation: {
      ...about,
      seen: undefined,
      startedAt: start,
      finishedAt: start,
      phases: {},
      unmet: needs,
      ...finding('', reasons, []),
    },
  }
}

function statusOf(platform: readonly Slot[]) {
  const count = new Map<string, number>()
  const all = platform.map(one => {
    const index = count.get(one.probe) ?? 0
    count.set(one.probe, index + 1)
    return looked(one, index)
  })
  return pathOver(all)
}

const runs = { numRuns: 2_000 }

it('is never ok or warn while a necessity fails or is not known, or while its provider is not known to work', () => {
  fc.assert(
    fc.property(platforms, platform => {
      const of = (probe: string) => platform.filter(one => one.probe === probe)
      const sound = ['write_path', 'settings', 'packages'].every(probe => of(probe).every(one => rankOf(one) < 2))
      const known = of('mail').every(one => rankOf(one) === 0) && of('write_path').length > 0
      // Nothing says here that the application falls back to its other provider.
      const ways = of('mail').flatMap(one => of(one.state))
      const delivers = ways.length > 0 && ways.every(one => rankOf(one) < 2)
      const { verdict } = statusOf(platform).status
      if (!sound || !known || !delivers) expect(['fail', 'unknown']).toContain(verdict)
      else expect(['ok', 'warn']).toContain(verdict)
      const others = platform.filter(one => one.probe !== 'smtp' || of('mail').some(({ state }) => state === 'smtp'))
      if (verdict === 'ok') expect(others.some(one => one.state === 'warn')).toBe(false)
    }),
    runs,
  )
})

it('has one root, of the level of the verdict, while it is fail or unknown, and none else', () => {
  fc.assert(
    fc.property(platforms, platform => {
      const { status, samples } = statusOf(platform)
      const marked = status.blockers.filter(({ root }) => root)
      const inSamples = samples.filter(({ labels }) => labels['root'] === 'true')
      const blocked = status.verdict === 'fail' || status.verdict === 'unknown'
      expect([marked.length, inSamples.length]).toEqual(blocked ? [1, 1] : [0, 0])
      if (blocked) expect(marked[0]?.level).toBe(status.verdict)
      expect(status.exceptions.length > 0 || status.verdict !== 'warn').toBe(true)
    }),
    runs,
  )
})

it('is never made better by something that gets worse', () => {
  fc.assert(
    fc.property(platforms, fc.nat(), fc.nat(), (platform, which, how) => {
      const index = which % platform.length
      const before = platform[index]
      if (!before) return
      const worse = scaleOf(before.probe)
        .slice(rankOf(before) + 1)
        .flat()
      const state = worse[how % worse.length]
      if (state === undefined) return
      const after = platform.with(index, { ...before, state })
      const [was, is] = [statusOf(platform).status.verdict, statusOf(after).status.verdict]
      expect(byVerdict(is, was), `${was} became ${is}`).toBeLessThanOrEqual(0)
    }),
    runs,
  )
})
