/** docs/performance.svg: a panel for each curve, and in it a straight line through the origin to compare with. */
import type { Curve } from '../experiment.ts'
import { withUnit } from './verdict.ts'

const panel = { width: 260, height: 200, gap: 24, left: 56, right: 24, top: 34, bottom: 36 } as const
const plot = {
  width: panel.width - panel.left - panel.right,
  height: panel.height - panel.top - panel.bottom,
} as const

/** Follows the theme of the reader; with a ground of its own, so that it is readable where the page does not. */
const style = `
  .ground { fill: #ffffff } .axis { stroke: #d0d7de } .straight { stroke: #8c959f; stroke-dasharray: 4 3 }
  .curve { stroke: #0969da; stroke-width: 2; fill: none } .point { fill: #0969da }
  text { font: 11px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .axis { stroke: #3d444d } .straight { stroke: #7d8590 }
    .curve { stroke: #58a6ff } .point { fill: #58a6ff } text { fill: #e6edf3 }
  }
`

/** The least of 1, 2 and 5 times a power of ten that is not less. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (([1, 2, 5, 10] as const).find(step => step * power >= value) ?? 10) * power
}

const text = (x: number, y: number, anchor: 'start' | 'middle' | 'end', said: string, name = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${name === '' ? '' : ` class="${name}"`}>${said}</text>`

const line = (from: readonly [number, number], to: readonly [number, number], name: string): string =>
  `<line x1="${from[0].toFixed(1)}" y1="${from[1].toFixed(1)}" x2="${to[0].toFixed(1)}" y2="${to[1].toFixed(1)}" class="${name}"/>`

function panelOf({ what, unit, points }: Curve, left: number): string {
  const most = Math.max(...points.map(point => point.targets))
  const top = roundUp(Math.max(...points.map(point => point.value)))
  const at = (targets: number, value: number): readonly [number, number] => [
    left + panel.left + (plot.width * targets) / most,
    panel.top + plot.height * (1 - value / top),
  ]
  const ticks = [0, 0.5, 1].flatMap(share => {
    const [x, y] = at(0, share * top)
    return [line([x, y], at(most, share * top), 'axis'), text(x - 6, y + 4, 'end', withUnit(share * top, unit))]
  })
  // Straight from nothing through the last but one: where the last would be if it grew linearly.
  const before = points.at(-2)
  const slope = before === undefined ? 0 : before.value / before.targets
  const reach = Math.min(most, slope === 0 ? most : top / slope)
  const placed = points.map(point => at(point.targets, point.value))
  return [
    text(left + panel.left, 18, 'start', what, 'title'),
    ...ticks,
    ...points
      .slice(-2)
      .map(({ targets }) => text(at(targets, 0)[0], panel.height - 20, 'middle', targets.toLocaleString('en'))),
    text(left + panel.left + plot.width / 2, panel.height - 5, 'middle', 'targets'),
    line(at(0, 0), at(reach, slope * reach), 'straight'),
    `<polyline class="curve" points="${placed.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}"/>`,
    ...placed.map(([x, y]) => `<circle class="point" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"/>`),
  ].join('\n')
}

export function chart(curves: readonly Curve[]): string {
  const width = curves.length * panel.width + (curves.length - 1) * panel.gap
  const panels = curves.map((curve, at) => panelOf(curve, at * (panel.width + panel.gap)))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${panel.height}" role="img" aria-label="${curves.map(curve => curve.what).join(', ')} against the number of targets">`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${width}" height="${panel.height}" rx="6"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}
