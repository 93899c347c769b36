import { utcTime } from '../../../core/duration.ts'
import { cases } from './cases.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { ZoneSeen, ZoneServerSeen } from '../hosts/zone.ts'

/** Secondary servers take over a new version some time after it is made; in milliseconds. */
const usualMs = 3_600_000

/** Whether all receivers find the same records. */
export function zoneReasons({ zone }: Pick<DnsSeen, 'zone'>): Reason[] {
  const alone = aloneText(zone)
  const texts = [...alone, ...differText(zone)]
  return texts.length > 0
    ? [reason('dns_inconsistent', cases(texts), alone.length === texts.length ? second : undefined)]
    : []
}

const second = 'Add a second name server of the zone, in another network: in the zone, and at the registrar.'

const aloneText = ({ name = '', servers = [] }: ZoneSeen): string[] => {
  const [only] = servers
  return only !== undefined && servers.length === 1
    ? [`${name} has one name server (${only.name}), and should have two (RFC 1034, 4.1)`]
    : []
}

const differText = ({ name = '', servers = [], differSince, lookedAt }: ZoneSeen): string[] =>
  differSince !== undefined && lookedAt - differSince > usualMs
    ? [`${name} has had different versions since ${utcTime(differSince)}: ${servers.map(versionAt).join(', ')}`]
    : []

function versionAt({ name, serial, isLame }: ZoneServerSeen): string {
  if (isLame) return `${name} does not have it`
  return serial === undefined ? `${name} does not answer` : `${name} has serial ${serial}`
}
