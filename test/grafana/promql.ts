/** What a PromQL expression selects, and which labels its result can have. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import type { Metric } from '../../src/core/metric.ts'
import { alertMetrics, processMetrics, recorded, scrapeMetrics } from '../../grafana/generate/foreign.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'

interface SelectorText {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[]
  /** Names of the nodes around it, the innermost first. */
  readonly around: readonly string[]
  /** The function that is called on its range; undefined where it has none. */
  readonly rangeFunction: string | undefined
  /** As it is written: `5m`. */
  readonly range: string | undefined
}

export const ownMetrics: ReadonlyMap<string, Metric> = new Map(
  catalogue.flatMap(group => group.metrics).map(metric => [metric.name, metric]),
)
const foreignMetrics: readonly Metric[] = [processMetrics, scrapeMetrics, alertMetrics, recorded].flatMap(
  (group): Metric[] => Object.values(group),
)
export const knownMetrics: ReadonlyMap<string, Metric> = new Map([
  ...ownMetrics,
  ...foreignMetrics.map(metric => [metric.name, metric] as const),
])

/** The variables of Grafana that stand for a time, as one; the others stand in strings, where they do no harm. */
export const withTimes = (expr: string): string => expr.replace(/\$__(rate_interval|interval|range)\b/g, '5m')

const textOf = (expr: string, node: SyntaxNode | null): string => (node ? expr.slice(node.from, node.to) : '')
const unquoted = (text: string): string => text.slice(1, -1)
const ancestors = (node: SyntaxNode): SyntaxNode[] => (node.parent ? [node.parent, ...ancestors(node.parent)] : [])
const childrenOf = (node: SyntaxNode): SyntaxNode[] => {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child)
  return children
}

/** Where the expression is no PromQL; none where it is. */
export function syntaxErrors(expr: string): string[] {
  const errors: string[] = []
  parser.parse(expr).iterate({
    enter: node => {
      if (node.type.isError) errors.push(`at ${node.from}: ${expr.slice(Math.max(0, node.from - 20), node.from + 20)}`)
    },
  })
  return errors
}

export function selectorsIn(expr: string): SelectorText[] {
  const found: SelectorText[] = []
  parser.parse(expr).iterate({
    enter: ({ node }) => {
      if (node.name === 'VectorSelector') found.push(selectorOf(expr, node))
    },
  })
  return found
}

function selectorOf(expr: string, node: SyntaxNode): SelectorText {
  const matrix = node.parent?.name === 'MatrixSelector' ? node.parent : undefined
  const call = matrix?.parent?.name === 'FunctionCallBody' ? matrix.parent.parent : undefined
  return {
    metric: textOf(expr, node.getChild('Identifier')),
    matchers: (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(matcher => ({
      label: textOf(expr, matcher.getChild('LabelName')),
      op: textOf(expr, matcher.getChild('MatchOp')),
      value: unquoted(textOf(expr, matcher.getChild('StringLiteral'))),
    })),
    around: ancestors(node).map(({ name }) => name),
    rangeFunction: call ? textOf(expr, call.getChild('FunctionIdentifier')) : undefined,
    range: matrix ? textOf(expr, matrix.getChild('DurationExpr')) : undefined,
  }
}

const attached = ['job', 'instance']

/** The labels the result can have, and every use of a label that cannot be there. */
export function labelsOf(expr: string): { readonly labels: ReadonlySet<string>; readonly wrong: readonly string[] } {
  const wrong: string[] = []
  const missing = (labels: readonly string[], there: ReadonlySet<string>, where: string): void => {
    for (const label of labels) if (!there.has(label)) wrong.push(`${where}: no label ${label}`)
  }
  const grouping = (node: SyntaxNode): string[] => node.getChildren('LabelName').map(label => textOf(expr, label))

  const visit = (node: SyntaxNode): Set<string> => {
    if (node.name === 'VectorSelector') {
      const { metric, matchers } = selectorOf(expr, node)
      const labels = new Set([...(knownMetrics.get(metric)?.labels ?? []), ...attached])
      missing(
        matchers.map(({ label }) => label),
        labels,
        metric,
      )
      return labels
    }
    if (node.name === 'AggregateExpr') return aggregate(node)
    if (node.name === 'BinaryExpr') return binary(node)
    const inner = new Set(childrenOf(node).flatMap(child => [...visit(child)]))
    if (node.name !== 'FunctionCall' || textOf(expr, node.getChild('FunctionIdentifier')) !== 'label_replace')
      return inner
    const [to = '', , from = ''] = (node.getChild('FunctionCallBody')?.getChildren('StringLiteral') ?? []).map(text =>
      unquoted(textOf(expr, text)),
    )
    if (from !== '') missing([from], inner, 'label_replace')
    return new Set([...inner, to])
  }
  const aggregate = (node: SyntaxNode): Set<string> => {
    const body = node.getChild('FunctionCallBody')
    const inner = body ? visit(body) : new Set<string>()
    const by = node.getChild('AggregateModifier')?.getChild('GroupingLabels')
    const labels = by ? grouping(by) : []
    missing(labels, inner, textOf(expr, node).slice(0, 60))
    return textOf(expr, node.getChild('AggregateOp')) === 'topk' ? inner : new Set(labels)
  }
  const binary = (node: SyntaxNode): Set<string> => {
    const [left, right] = [node.firstChild, node.lastChild].map(side => (side ? visit(side) : new Set<string>()))
    if (!left || !right) return new Set()
    const [on, taken] = node.getChild('MatchingModifierClause')?.getChildren('GroupingLabels').map(grouping) ?? []
    missing(on ?? [], left, 'on, left')
    missing(on ?? [], right, 'on, right')
    missing(taken ?? [], right, 'group_left')
    if (node.getChild('Or')) return new Set([...left, ...right])
    // A number beside a vector has no labels, on whichever side.
    return new Set([...(left.size > 0 ? left : right), ...(taken ?? [])])
  }
  return { labels: visit(parser.parse(expr).topNode), wrong }
}
