import {
  hopName,
  type HaproxyHopStatus,
  type HopStatus,
  type HopServer,
  type PgbouncerHopStatus,
} from '../assess/path/hop-status.ts'
import { checkId } from '../core/probe.ts'
import { count, inBrief } from './format.ts'
import type { Box, Join, Row } from './boxes.ts'

/** A box shows at most this many servers. */
const most = 12

/** The box of a HAProxy with its servers, or of a PgBouncer with its server connections. */
export function hopBox(hop: HopStatus): Box {
  const { kind, target, verdict, check } = hop
  const brief = inBrief(kind, verdict, check.reasons[0])
  const { tag, marks, says, rows } = kind === 'haproxy' ? ofHaproxy(hop) : ofPgbouncer(hop)
  const detail = verdict === 'ok' ? says : [brief, says].filter(part => part !== '').join(' · ')
  const hidden = rows.length - most
  const more: Row[] = hidden > 0 ? [{ name: `and ${hidden} more`, tag: undefined, detail: '' }] : []
  return {
    id: checkId({ probe: kind, target }),
    name: hopName(hop),
    verdict,
    tag,
    marks,
    detail,
    rows: [...rows.slice(0, most), ...more],
  }
}

interface Words {
  readonly tag: string
  readonly marks: readonly string[]
  readonly says: string
  readonly rows: readonly Row[]
}

function ofHaproxy({ servers }: HaproxyHopStatus): Words {
  const isUp = ({ status }: HopServer): boolean => status === 'UP'
  const up = servers.filter(isUp).length
  return {
    tag: 'HAProxy',
    marks: [],
    says: servers.length > 0 ? `${up} of ${count(servers.length, 'server')} up` : '',
    // If not all are shown, then those that it leads to.
    rows: [...servers].sort((a, b) => Number(isUp(b)) - Number(isUp(a))).map(serverRow),
  }
}

const serverRow = ({ name, node, status, changing, checkStatus, checkCode }: HopServer): Row => {
  const to = status === 'UP' ? 'going down' : 'coming up'
  const change = changing ? `${to}, check ${changing.at} of ${changing.of}` : undefined
  return {
    name: node === undefined || node === name ? name : `${name} (${node})`,
    tag: status ?? 'status unknown',
    detail: [[checkStatus, checkCode].filter(part => part !== undefined).join(' '), change]
      .filter(part => part)
      .join(' · '),
  }
}

function ofPgbouncer({ seen }: PgbouncerHopStatus): Words {
  const waits = (seen?.maxWaitSeconds ?? 0) >= 1 ? `, the longest for ${Math.round(seen?.maxWaitSeconds ?? 0)} s` : ''
  return {
    tag: 'PgBouncer',
    marks: [...(seen?.paused ? ['paused'] : []), ...(seen?.disabled ? ['disabled'] : [])],
    says: seen ? `${count(seen.active, 'client')} served, ${seen.waiting} waiting${waits}` : '',
    rows: (seen?.servers ?? []).map(({ address, port, connections, connecting }) => ({
      name: port === undefined ? address : `${address}:${port}`,
      tag: undefined,
      detail: `${count(connections, 'connection')}${connecting > 0 ? `, ${connecting} of them being opened` : ''}`,
    })),
  }
}

/** Write paths may share a balancer: its servers are listed once. */
export function once(joins: readonly Join[]): readonly Join[] {
  const drawn = new Set<string>()
  const asAbove = (box: Box): Box => {
    const key = `${box.id} ${box.name}`
    const isKnown = drawn.has(key)
    drawn.add(key)
    return isKnown ? { ...box, rows: [] } : box
  }
  return joins.map(join => ({
    ...join,
    links: join.links.map(link => (link.through ? { ...link, through: link.through.map(asAbove) } : link)),
  }))
}
