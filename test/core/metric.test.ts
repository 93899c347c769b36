import { describe, expect, it } from 'vitest'
import { counter, gauge, sample, stateSet } from '../../src/core/metric.ts'

const state = gauge('mailpath_vault_state', 'State of the node.', ['target', 'state'])
const runs = counter('mailpath_check_runs_total', 'Runs.')
const at = { target: 'vault-01' }

it('a metric is data', () => {
  expect(state).toEqual({
    name: 'mailpath_vault_state',
    help: 'State of the node.',
    type: 'gauge',
    labels: ['target', 'state'],
  })
  expect(runs).toMatchObject({ type: 'counter', labels: [] })
})

it('a metric of another prefix, and a counter without _total, do not compile', () => {
  // @ts-expect-error: the prefix is another
  gauge('vault_state', '')
  // @ts-expect-error: a counter ends in _total
  counter('mailpath_runs', '')
})

describe('the labels of a sample', () => {
  const surplus = { target: 'a', state: 'b', node: 'c' }
  const some: Readonly<Record<string, string>> = { target: 'a', state: 'b' }

  it.each([
    // @ts-expect-error: a label is missing
    ['one too few', () => sample(state, 1, { target: 'a' })],
    // @ts-expect-error: there is no such label
    ['one too many', () => sample(state, 1, { target: 'a', state: 'b', node: 'c' })],
    // @ts-expect-error: there is no such label, though it comes in a variable
    ['one too many in a variable', () => sample(state, 1, surplus)],
    // @ts-expect-error: there are no labels
    ['one where there is none', () => sample(runs, 1, at)],
    // @ts-expect-error: there is no such label
    ['a state label that is none', () => stateSet(state, 'node', ['a'], 'a', at)],
    // @ts-expect-error: a label is missing
    ['a state set with one too few', () => stateSet(state, 'state', ['a'], 'a', {})],
    // @ts-expect-error: there is no such label, though it comes in a variable
    ['a state set with one too many', () => stateSet(state, 'state', ['a'], 'a', { ...surplus })],
    ['one too many behind a type', () => sample(state, 1, surplus as { target: string; state: string })],
  ])('do not compile, and throw: %s', (_, make) => {
    expect(make).toThrow(/^mailpath_\w+ has the labels \(.*\), and was given \(.*\)$/)
  })

  it('do not compile where they are not known', () => {
    // @ts-expect-error: these may be any
    expect(sample(state, 1, some)).toHaveLength(1)
  })
})

it.each<[string, number | boolean | undefined, number | undefined]>([
  ['a number', 4.5, 4.5],
  ['nothing, which is not 0', 0, 0],
  ['true', true, 1],
  ['false', false, 0],
  ['for ever', Infinity, Infinity],
  ['what is not known', undefined, undefined],
  ['what is no number', NaN, undefined],
])('a sample of %s', (_, value, expected) => {
  const samples = sample(runs, value, {})
  expect(samples.map(one => one.value)).toEqual(expected === undefined ? [] : [expected])
})

it('a state set has a sample for every state, and 1 for one of them', () => {
  const samples = stateSet(state, 'state', ['active', 'standby', 'sealed'], 'standby', at)
  expect(samples.map(({ labels, value }) => [labels, value])).toEqual([
    [{ target: 'vault-01', state: 'active' }, 0],
    [{ target: 'vault-01', state: 'standby' }, 1],
    [{ target: 'vault-01', state: 'sealed' }, 0],
  ])
})

it('a state that is not known has no samples at all', () => {
  expect(stateSet(state, 'state', ['active', 'standby'], undefined, at)).toEqual([])
})
