import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { metrics as smtp } from '../../src/probes/smtp/judge.ts'
import { by, join, q } from '../../grafana/generate/build/promql.ts'
import { query } from '../../grafana/generate/build/query.ts'
import { have, needs, removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { substituted } from './grafana.ts'
import { panelQueries } from './model.ts'

type Verdict = 'ok' | 'warn' | 'fail' | 'unknown'
type Samples = Readonly<Record<string, number>>

/** A state set of one replica. */
const set = (
  metric: string,
  instance: string,
  labels: string,
  label: string,
  states: readonly string[],
  now: string,
): Samples =>
  Object.fromEntries(
    states.map(state => [
      `${metric}{job="mailpath", instance="${instance}", ${labels}, ${label}="${state}"}`,
      Number(state === now),
    ]),
  )
const verdicts = ['ok', 'warn', 'fail', 'unknown']
const mail = (instance: string, verdict: Verdict): Samples =>
  set('mailpath_mail_verdict', instance, 'mail_path="app"', 'verdict', verdicts, verdict)
const check = (instance: string, probe: string): Samples => ({
  [`mailpath_check_interval_seconds{job="mailpath", instance="${instance}", probe="${probe}", target="t"}`]: 15,
})
const one = (metric: string, instance: string, value: number): Samples => ({
  [`${metric}{job="mailpath", instance="${instance}", target="t", postgres_cluster="c"}`]: value,
})

const verdict = 'mailpath-overview: Can mail be sent? A'
const vault = 'mailpath-overview: Vault nodes A'
const node = 'mailpath-overview: Postgres nodes A'
const app = '{mail_path="app"}'
const t = '{target="t"}'

const cases: readonly (readonly [title: string, where: string, given: readonly Samples[], expected: Samples])[] = [
  ['both replicas say ok', verdict, [mail('a', 'ok'), mail('b', 'ok')], { [app]: 0 }],
  ['one of them says fail', verdict, [mail('a', 'ok'), mail('b', 'fail')], { [app]: 3 }],
  ['one of them knows nothing yet', verdict, [mail('a', 'unknown'), mail('b', 'ok')], { [app]: 0 }],
  ['none of them knows', verdict, [mail('a', 'unknown'), mail('b', 'unknown')], { [app]: 2 }],
  ['there is but one, and it does not know', verdict, [mail('a', 'unknown')], { [app]: 2 }],
  ['there is none', verdict, [], {}],
  [
    'a Vault tells its state',
    vault,
    [check('a', 'vault'), set('mailpath_vault_state', 'a', 'target="t"', 'state', ['active', 'sealed'], 'sealed')],
    { [t]: 6 },
  ],
  ['a Vault does not answer', vault, [check('a', 'vault'), one('mailpath_vault_reachable', 'a', 0)], { [t]: 8 }],
  ['what answers is no Vault', vault, [check('a', 'vault'), one('mailpath_vault_reachable', 'a', 1)], { [t]: 9 }],
  ['the check of a Vault is stale', vault, [check('a', 'vault')], { [t]: 9 }],
  ['the check of a node is stale', node, [check('a', 'postgres')], { [t]: 4 }],
  ['a node does not answer', node, [check('a', 'postgres'), one('mailpath_postgres_reachable', 'a', 0)], { [t]: 3 }],
  [
    'a primary is read-only',
    node,
    [
      check('a', 'postgres'),
      one('mailpath_postgres_reachable', 'a', 1),
      one('mailpath_postgres_in_recovery', 'a', 0),
      one('mailpath_postgres_read_only', 'a', 1),
    ],
    { [t]: 2 },
  ],
]

const promtool = have('promtool')

describe.skipIf(!needs('promtool', promtool, prometheusInstall))('the state shown', () => {
  it.each(cases)('where %s', async (_, where, given, expected) => {
    const place = panelQueries.find(one => one.where === where)
    if (!place) throw new Error(`there is no query ${where}`)
    const folder = tempFolder('mailpath-promtool-')
    const file = path.join(folder, 'test.yml')
    const series = given.flatMap(samples => Object.entries(samples))
    const test = {
      interval: '15s',
      input_series: series.map(([name, value]) => ({ series: name, values: `${value}x4` })),
      promql_expr_test: [
        {
          expr: substituted(place),
          eval_time: '1m',
          exp_samples: Object.entries(expected).map(([labels, value]) => ({ labels, value })),
        },
      ],
    }
    writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: '15s', tests: [test] }))
    try {
      await runProcess(promtool ?? '', ['test', 'rules', file])
    } finally {
      await removeFolder(folder)
    }
  })
})

describe('a label that a metric does not have', () => {
  it('does not compile', () => {
    const reachable = q(smtp.reachable)
    // @ts-expect-error not in a selector
    expect(q(smtp.reachable, { node: 'a' }).promql).toContain('node')
    // @ts-expect-error not in an aggregation
    expect(by('max', ['node'], reachable).promql).toContain('node')
    // @ts-expect-error not in a join
    expect(join('*', reachable, q(smtp.tlsInfo), ['cipher']).promql).toContain('cipher')
    type Labels = Parameters<Parameters<typeof query<'target'>>[1]>[0]
    // @ts-expect-error not in a legend
    expect(query(reachable, (label: Labels & { readonly node: string }) => label.node).promql).toContain('smtp')
  })
})
