/** Which rules have a result in a test: the others only cost time. */
import { nameOf, type Rule, type RuleGroup, type TestFile, type TestGroup } from './rules-file.ts'
import { askedBy } from './selectors.ts'

export interface Part {
  readonly groups: readonly RuleGroup[]
  readonly content: TestFile
}

/**
 * A file in parts that together prove what it proves. Each test is with all rules that can have a result, or fail, with
 * its series. The rest has nothing to read, and gives nothing: only what a test asks for by name stays.
 */
export function partsOf(groups: readonly RuleGroup[], content: TestFile): Part[] {
  const alive = aliveIn(groups.flatMap(group => group.rules))
  const parts = new Map<string, Part>()
  for (const test of content.tests) {
    const needed = alive(test)
    const own = groups.map(group => ({ ...group, rules: group.rules.filter(rule => needed.has(rule)) }))
    const key = own.map(group => group.rules.map(nameOf).join()).join(';')
    const tests = [...(parts.get(key)?.content.tests ?? []), test]
    parts.set(key, { groups: own.filter(group => group.rules.length > 0), content: { ...content, tests } })
  }
  return [...parts.values()]
}

function aliveIn(rules: readonly Rule[]): (test: TestGroup) => Set<Rule> {
  const all = rules.map(rule => ({ rule, reads: wordsOf(rule.expr), alone: givesAlone(rule.expr) }))
  return ({ input_series, alert_rule_test, promql_expr_test }) => {
    const metrics = new Set(input_series.map(({ series }) => /^[\w:]+/.exec(series)?.[0] ?? ''))
    const alive = new Set<Rule>()
    for (let before = -1; before < alive.size;) {
      before = alive.size
      for (const { rule, reads, alone } of all)
        if (alone || [...reads].some(word => metrics.has(word))) {
          alive.add(rule)
          for (const metric of rule.alert === undefined ? [nameOf(rule)] : ['ALERTS', 'ALERTS_FOR_STATE'])
            metrics.add(metric)
        }
    }
    const asked = new Set([
      ...alert_rule_test.map(check => check.alertname),
      ...promql_expr_test.flatMap(check => [...wordsOf(check.expr)]),
    ])
    return new Set(rules.filter(rule => alive.has(rule) || asked.has(nameOf(rule))))
  }
}

const wordsOf = (expr: string): Set<string> => new Set(expr.match(/[\w:]+/g))

/** Whether an expression can have a result where none of the series are that it reads. */
const givesAlone = (expr: string): boolean =>
  /\b(?:absent|absent_over_time|vector)\b/.test(expr) || askedBy(expr).selectors.length === 0
