import { expect, it } from 'vitest'
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

it('a metric of another prefix, a counter without _total and a wrong label do not compile', () => {
  // @ts-expect-error: the prefix is another
  gauge('vault_state', '')
  // @ts-expect-error: a counter ends in _total
  counter('mailpath_runs', '')
  // @ts-expect-error: a label is missing
  sample(state, 1, { target: 'a' })
  // @ts-expect-error: there is no such label
  sample(state, 1, { target: 'a', state: 'b', node: 'c' })
  // @ts-expect-error: there is no such label
  stateSet(state, 'node', ['a'], 'a', {})
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
