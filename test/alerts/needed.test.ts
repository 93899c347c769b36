import { expect, it } from 'vitest'
import { partsOf } from './needed.ts'
import { nameOf, readRules, readTests, type TestGroup } from './rules-file.ts'

const groups = [
  {
    name: 'one',
    rules: [
      { record: 'a:b:max', expr: 'max(b)' },
      { alert: 'Recorded', expr: 'a:b:max > 1 unless on (job) c' },
      { alert: 'Absent', expr: 'absent(up)' },
      { record: 'the:budget:ratio', expr: '0.001' },
    ],
  },
  {
    name: 'two',
    rules: [
      { alert: 'Named', expr: 'ALERTS{alertname="Recorded"} == 1' },
      { alert: 'Other', expr: 'd == 1' },
      { alert: 'Joined', expr: 'd * on (job) e' },
    ],
  },
]

function test(name: string, metrics: readonly string[], alertname?: string, expr?: string): TestGroup {
  return {
    name,
    interval: '1m',
    input_series: metrics.map(metric => ({ series: `${metric}{job="x"}`, values: '1x5' })),
    alert_rule_test: alertname === undefined ? [] : [{ eval_time: '1m', alertname, exp_alerts: [] }],
    promql_expr_test: expr === undefined ? [] : [{ eval_time: '1m', expr, exp_samples: [] }],
  }
}

const namesIn = (one: TestGroup): string[] =>
  partsOf(groups, { rule_files: [], evaluation_interval: '1m', tests: [one] }).flatMap(part =>
    part.groups.flatMap(group => group.rules.map(nameOf)),
  )

// These give something whatever is there, and Named reads what they fire.
const always = ['Absent', 'the:budget:ratio', 'Named']

it.each([
  ['what the series reach, by a record and by what fires', test('t', ['b']), ['a:b:max', 'Recorded', ...always]],
  ['what can fail, even where its other side is not there', test('t', ['e']), [...always, 'Joined']],
  ['an alert that is asked for and reads nothing', test('t', ['up'], 'Other'), [...always, 'Other']],
  ['a record that is asked for', test('t', ['up'], undefined, 'a:b:max > 0'), ['a:b:max', ...always]],
])('a part has %s', (_, one, expected) => {
  expect(namesIn(one).sort()).toEqual([...expected].sort())
})

it('the parts of a file have each of its tests once', () => {
  for (const [file, content] of readTests()) {
    const tests = partsOf(readRules(), content).flatMap(part => part.content.tests)
    expect(tests.map(({ name }) => name).sort(), file).toEqual(content.tests.map(({ name }) => name).sort())
  }
})
