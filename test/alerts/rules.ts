/** The alerts of the shipped rules, with the labels they have when they fire. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { labelsOf, type LabelsOfMetric } from './labels.ts'

export const rulesFile = fileURLToPath(new URL('../../alerts/mailpath.rules.yml', import.meta.url))

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
}

/** An alert that can fire; several have one name and differ in their severity. */
export interface Alert {
  readonly name: string
  /** Those that the rule sets. */
  readonly set: Readonly<Record<string, string>>
  /** The names of all its labels. */
  readonly labels: ReadonlySet<string>
}

const scraped = ['job', 'instance']

/** Those of the exporter, of Prometheus, and those recorded. */
function labelsOfMetrics(rules: readonly Rule[]): LabelsOfMetric {
  const exported = catalogue.flatMap(group =>
    group.metrics.map(({ name, labels }) => [name, [...labels, ...scraped]] as const),
  )
  const known = new Map<string, readonly string[]>([...exported, ['up', scraped]])
  const all = new Set([...known.values()].flat())
  const asked = new Set<string>()
  const ofMetric: LabelsOfMetric = metric => {
    const recorded = rules.find(rule => rule.record === metric)
    // A record that goes on with its own last value has what its other sides have.
    if (asked.has(metric)) return all
    if (recorded) {
      asked.add(metric)
      const found = new Set([...labelsOf(recorded.expr, ofMetric), ...Object.keys(recorded.labels ?? {})])
      asked.delete(metric)
      return found
    }
    const found = known.get(metric)
    if (!found) throw new Error(`there is no metric ${metric}`)
    return new Set(found)
  }
  return ofMetric
}

export function alertsOf(file = rulesFile): Alert[] {
  const { groups } = parse(readFileSync(file, 'utf8')) as { readonly groups: readonly { readonly rules: Rule[] }[] }
  const rules = groups.flatMap(group => group.rules)
  const ofMetric = labelsOfMetrics(rules)
  return rules.flatMap(({ alert: name, expr, labels: set = {} }) =>
    name === undefined
      ? []
      : [{ name, set, labels: new Set(['alertname', ...Object.keys(set), ...labelsOf(expr, ofMetric)]) }],
  )
}
