/** Which labels the series that a PromQL expression gives are certain to have. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

type Labels = ReadonlySet<string>
/** The labels of the series of a metric, those that a scrape attaches among them; throws where there is no such metric. */
export type LabelsOfMetric = (metric: string) => Labels

/** Throws with the expression where it does not parse, or has something in it that no rule here needed so far. */
export function labelsOf(expr: string, ofMetric: LabelsOfMetric): Labels {
  const text = ({ from, to }: SyntaxNode): string => expr.slice(from, to)
  const fail = (node: SyntaxNode): never => {
    throw new Error(`labels of ${node.name}: ${text(node)}`)
  }
  const inside = (node: SyntaxNode): SyntaxNode[] => node.getChildren('Expr')
  const names = (node: SyntaxNode | null): string[] => node?.getChildren('LabelName').map(text) ?? []

  const labels = (node: SyntaxNode): Labels => {
    switch (node.name) {
      case 'VectorSelector':
        return ofMetric(text(node.getChild('Identifier') ?? fail(node)))
      case 'MatrixSelector':
      case 'ParenExpr':
        return labels(inside(node)[0] ?? fail(node))
      case 'NumberDurationLiteral':
        return new Set()
      case 'AggregateExpr':
        return aggregated(node)
      case 'FunctionCall':
        return called(node)
      case 'BinaryExpr':
        return joined(node)
      default:
        return fail(node)
    }
  }

  function aggregated(node: SyntaxNode): Labels {
    const modifier = node.getChild('AggregateModifier')
    const listed = names(modifier?.getChild('GroupingLabels') ?? null)
    if (modifier?.getChild('By')) return new Set(listed)
    if (!modifier) return new Set()
    const all = labels(node.getChild('FunctionCallBody')?.getChild('Expr') ?? fail(node))
    return new Set([...all].filter(label => !listed.includes(label)))
  }

  function called(node: SyntaxNode): Labels {
    const name = text(node.getChild('FunctionIdentifier') ?? fail(node))
    const argument = node.getChild('FunctionCallBody')?.getChild('Expr')
    if (['time', 'vector', 'scalar'].includes(name)) return new Set()
    if (!argument) return fail(node)
    // What absent() gives has the labels that the selector asks for with =.
    if (name === 'absent')
      return new Set(argument.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher').flatMap(names))
    return /_over_time$|^increase$/.test(name) ? labels(argument) : fail(node)
  }

  function joined(node: SyntaxNode): Labels {
    const [left, right] = inside(node)
    if (!left || !right) return fail(node)
    // What is only looked up, to keep a series or to leave it out, adds no label.
    if (node.getChild('And') || node.getChild('Unless')) return labels(left)
    const [ofLeft, ofRight] = [labels(left), labels(right)]
    // Each series comes from the one side or from the other.
    if (node.getChild('Or')) return new Set([...ofLeft].filter(label => ofRight.has(label)))
    const grouped = node.getChild('MatchingModifierClause')
    if (grouped?.getChild('GroupLeft'))
      return new Set([...ofLeft, ...names(grouped.getChildren('GroupingLabels')[1] ?? null)])
    // With a number or a scalar, or one to one on all labels.
    return grouped ? fail(node) : ofLeft.size > 0 ? ofLeft : ofRight
  }

  const top = parser.parse(expr).topNode
  return labels(top.getChild('Expr') ?? fail(top))
}
