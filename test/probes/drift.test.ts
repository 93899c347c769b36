import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import type { Observation, Verdict } from '../../src/core/probe.ts'
import { drift } from '../../src/probes/drift/index.ts'
import type { DriftSeen } from '../../src/probes/drift/observe.ts'
import type { DriftTarget } from '../../src/probes/drift/target.ts'
import { file, folder } from '../references/resolve.ts'
import { byKubernetes, canary, expectSamples, probeContract } from './contract.ts'
import { env as given, look } from './look.ts'
import { valueOf } from './values.ts'

const outcomeOf = ({ verdict, reasons }: Pick<Observation, 'verdict' | 'reasons'>) => [
  verdict,
  ...reasons.map(({ code, text }) => `${code} ${text}`),
]

describe('judge', () => {
  const target: DriftTarget = { name: 'smtp password', sources: {}, compare: 'value' }
  const seenOf = (pairs: readonly [string, string, boolean | undefined, boolean?][], unreadable: string[] = []) => ({
    sources: [...new Set(pairs.flatMap(([a, b]) => [a, b]))].map(label => ({
      label,
      unreadable: unreadable.includes(label) ? `${label}: why` : undefined,
      isAt: undefined,
    })),
    pairs: pairs.map(([a, b, agrees, onlySpace = false]) => ({ a, b, agrees, onlySpace })),
  })
  it.each<[string, DriftSeen, Verdict, string[], (number | undefined)[]]>([
    ['two that agree', seenOf([['a', 'b', true]]), 'ok', [], [1]],
    ['two that differ', seenOf([['a', 'b', false]]), 'warn', ['drift_differs not the same: a | b'], [0]],
    [
      'white space',
      seenOf([['a', 'b', false, true]]),
      'warn',
      ['drift_differs not the same: a | b, only in white space around the value'],
      [0],
    ],
    [
      'one of four',
      seenOf([
        ['a', 'b', true],
        ['a', 'c', false],
        ['a', 'd', true],
        ['b', 'c', false],
        ['b', 'd', true],
        ['c', 'd', false],
      ]),
      'warn',
      ['drift_differs not the same: a, b and d | c'],
      [1, 0, 1, 0, 1, 0],
    ],
    [
      'one that cannot be read, while the others differ',
      seenOf(
        [
          ['a', 'b', false],
          ['a', 'c', undefined],
          ['b', 'c', undefined],
        ],
        ['c'],
      ),
      'unknown',
      ['drift_unreadable c: why', 'drift_differs not the same: a | b'],
      [0, undefined, undefined],
    ],
    [
      'names that cannot be resolved',
      seenOf([['a', 'b', undefined]]),
      'unknown',
      ['drift_unreadable a and b: written differently, and not both names could be resolved'],
      [undefined],
    ],
  ])('%s', (_, seen, verdict, reasons, exported) => {
    const found = drift.judge(seen, target)
    expect(outcomeOf(found)).toEqual([verdict, ...reasons])
    const values = seen.pairs.map(({ a, b }) => valueOf(found, 'mailpath_secret_agrees', { a, b }))
    expect(values).toEqual(exported)
  })

  it('names all that agree', () => {
    expect(drift.judge(seenOf([['env', 'vault', true]]), target).evidence).toBe('the same in env and vault')
  })
})

describe('observe', () => {
  /** Compares these values, by label, and lets nothing of them out. */
  async function compare(values: Readonly<Record<string, string | undefined>>, compare: DriftTarget['compare']) {
    const sources = Object.fromEntries(Object.keys(values).map(label => [label, { env: label }]))
    const known = Object.entries(values).flatMap(([label, value]) => (value === undefined ? [] : [[label, value]]))
    const references = given(Object.fromEntries(known) as Record<string, string>)
    const observation = await look(drift, { name: 'it', sources, compare }, { references })
    if (!observation) throw new Error('the run was not recorded')
    expectSamples(observation, drift)
    const told = inspect({ ...observation, config: undefined }, { depth: 9, showHidden: true })
    for (const value of Object.values(values)) if (value !== undefined) expect(told).not.toContain(value)
    return observation
  }

  it.each([
    ['the same', { a: canary, b: canary, c: canary }, [1, 1, 1]],
    ['one different', { a: canary, b: canary, c: 'canary-other' }, [1, 0, 0]],
    ['different by a newline', { a: `${canary}\n`, b: canary, c: undefined }, [0, undefined, undefined]],
  ])('compares values: %s', async (_, values, expected) => {
    const seen = await compare(values, 'value')
    const pairs = ['a b', 'a c', 'b c'].map(pair => pair.split(' ') as [string, string])
    expect(pairs.map(([a, b]) => valueOf(seen, 'mailpath_secret_agrees', { target: 'it', a, b }))).toEqual(expected)
  })

  it('says where only white space differs', async () => {
    const { evidence } = await compare({ a: `${canary}\n`, b: canary }, 'value')
    expect(evidence).toBe('not the same: a | b, only in white space around the value')
  })

  it.each<[string, string, string, number | undefined]>([
    ['the same name', 'db-1.test', 'db-1.test', 1],
    ['a name and its other spelling', 'Db-1.Test.', 'db-1.test', 1],
    ['a URL and its host', 'postgres://app:canary-pw@10.0.0.122:5432/app', '10.0.0.122', 1],
    ['two URLs of one place', 'postgres://a:canary-1@10.0.0.122/a', 'postgresql://b:canary-2@10.0.0.122:5432/b', 1],
    ['two ports of one host', 'postgres://a:canary-1@10.0.0.122/a', 'postgresql://b:canary-2@10.0.0.122:6432/b', 0],
    ['host:port and another port', '10.0.0.122:5432', 'postgres://a:canary-1@10.0.0.122:6432/a', 0],
    ['host:port and a URL', 'postgres:5432', 'postgres://a:canary-1@postgres/a', 1],
    ['a URL and a list of hosts', 'postgres://a@10.0.0.122/a', '10.0.0.122,10.0.0.121', 0],
    ['URLs of mail', 'smtp://u:canary-1@10.0.0.122:25', 'smtp://10.0.0.122:25', 1],
    ['ports of mail', 'smtp://u:canary-1@10.0.0.122:25', 'smtp://10.0.0.122:587', 0],
    ['another host in both queries', 'postgres://x/a?host=/run/a&port=1', 'postgres://x/b?host=/run/b&port=1', 0],
    // postgres.js and Prisma read no ?port=.
    [
      'a port that some drivers read',
      'postgres://a@10.0.0.122:5432/a?port=6432',
      'postgres://a@10.0.0.122:5432/a',
      undefined,
    ],
    ['a host in the query of one', 'postgres://a@10.0.0.121/a?host=10.0.0.122', 'postgres://a@10.0.0.121/a', 0],
    ['lists in another order', 'postgres://a@10.0.0.1:1,10.0.0.2:1/a', 'postgres://a@10.0.0.2:1,10.0.0.1:1/a', 0],
    [
      'the same list',
      'postgres://a:canary-1@10.0.0.1:1,10.0.0.2:1/a',
      'postgres://b:canary-2@10.0.0.1:1,10.0.0.2:1/b',
      1,
    ],
    ['a URL and a conninfo string', 'postgres://a@10.0.0.1:1/a', 'host=10.0.0.1 port=1 password=canary-1', 1],
    ['a URL and one of Java', 'postgres://a@10.0.0.1:1/a', 'jdbc:postgresql://10.0.0.1:1/a?password=canary-1', 1],
    ['a URL that cannot be split', 'postgres://a:canary-1@x@10.0.0.1/a', 'postgres://a@10.0.0.1/a', undefined],
    ['two hosts', 'postgres://app:canary-pw@10.0.0.121/app', '10.0.0.122', 0],
    ['IPv6 in a URL', 'postgres://app@[FD00::1]/app', 'fd00:0::1', 1],
    ['a name and its address', 'localhost', '127.0.0.1', 1],
    ['a name and another address', 'localhost', '10.0.0.122', 0],
    ['a name nobody knows and an address', 'db-1.invalid', '10.0.0.122', undefined],
    ['what is no host', 'canary is no host', '10.0.0.122', undefined],
    ['what is no URL', 'postgres://canary:99999999/', '10.0.0.122', undefined],
  ])('compares hosts: %s', async (_, a, b, agrees) => {
    expect(valueOf(await compare({ a, b }, 'host'), 'mailpath_secret_agrees')).toBe(agrees)
  })

  it.each<[string, { host: string; port: number }, boolean | undefined]>([
    ['10.0.0.122', { host: '10.0.0.122', port: 6432 }, true],
    ['10.0.0.122', { host: '10.0.0.121', port: 5432 }, false],
    ['postgres://app@10.0.0.122/app', { host: '10.0.0.122', port: 5432 }, true],
    ['postgres://app@10.0.0.122:6432/app', { host: '10.0.0.122', port: 5432 }, false],
    ['localhost', { host: '127.0.0.1', port: 5432 }, true],
    ['localhost', { host: 'LOCALHOST', port: 5432 }, true],
    ['db-1.invalid', { host: 'db-1.invalid', port: 5432 }, true],
    ['db-1.invalid', { host: '10.0.0.122', port: 5432 }, undefined],
    ['fd00:0::1', { host: '[fd00::1]', port: 5432 }, true],
    ['postgres://app@10.0.0.122/app?host=10.0.0.121', { host: '10.0.0.122', port: 5432 }, false],
    ['host=10.0.0.121 user=app', { host: '10.0.0.122', port: 5432 }, false],
    ['postgres://app@10.0.0.121,10.0.0.122/app', { host: '10.0.0.122', port: 5432 }, false],
    [
      'postgres://app@10.0.0.121:1,10.0.0.122:1/app?target_session_attrs=primary',
      { host: '10.0.0.122', port: 1 },
      true,
    ],
    [
      'postgres://app@10.0.0.121:1,10.0.0.122:1/app?target_session_attrs=standby',
      { host: '10.0.0.122', port: 1 },
      undefined,
    ],
  ])('knows of %s whether it leads to %o', async (value, place, expected) => {
    const seen = (await compare({ a: value, b: value }, 'host')).seen as DriftSeen
    expect(seen.sources[0]?.isAt?.([place])).toBe(expected)
  })

  it('looks up no part of a URL that cannot be split for certain, nor of what is no host', async () => {
    const doubtful = await compare(
      { a: 'postgres://app:Kq7@canary#41@db/shop', b: 'postgres://app:pw@127.0.0.1/shop' },
      'host',
    )
    expect(outcomeOf(doubtful)).toEqual([
      'unknown',
      'drift_unreadable a: the URL has a raw # in it: if that is part of the password, encode it as %23',
    ])
    const other = await compare({ a: 'app:canary@relay', b: '127.0.0.1' }, 'host')
    expect(outcomeOf(other)).toEqual([
      'unknown',
      'drift_unreadable a: is neither a host nor a URL with one; it looks like user:password@host',
    ])
    expect(JSON.stringify([doubtful, other])).not.toMatch(/canary|Kq7/)
  })

  it('reads the rest where one source cannot be read, and says which and why', async () => {
    const dotenv = await file(`PASS=${canary}\n`, '.env')
    const credentials = await folder()
    await writeFile(join(credentials, 'pass'), canary)
    const references = createReferences({
      env: { CREDENTIALS_DIRECTORY: credentials },
      vaults: [],
      kubernetes: undefined,
    })
    const sources = {
      '.env': { dotenv, key: 'PASS' },
      systemd: { credential: 'pass' },
      gone: { file: '/nowhere/pass' },
    }
    const seen = await look(drift, { name: 'it', sources, compare: 'value' }, { references })
    expect(seen && outcomeOf(seen)).toEqual([
      'unknown',
      'drift_unreadable gone: file /nowhere/pass: there is no such file',
    ])
    expect(seen?.samples.map(({ labels, value }) => [labels['a'], labels['b'], value])).toEqual([
      ['.env', 'systemd', 1],
    ])
  })
})

probeContract(
  drift,
  (): DriftTarget => ({
    name: 'it',
    compare: 'value',
    sources: { secret: { kubernetes: { namespace: 'keybuzz', secret: 'app', key: 'PASS' } }, env: { env: 'PASS' } },
  }),
  byKubernetes,
)
