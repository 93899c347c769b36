import type { Dns } from '../../clients/dns/index.ts'

/** The servers of the zone that the domain is in, and the serials they have. */
export interface ZoneSeen {
  readonly name: string | undefined
  readonly servers: readonly ZoneServerSeen[] | undefined
  /** Since when the serials differ, in milliseconds since the epoch; undefined: they do not, or it is not known. */
  readonly differSince: number | undefined
}

export interface ZoneServerSeen {
  readonly name: string
  /** Undefined: it did not answer, or `isLame`. */
  readonly serial: number | undefined
  /** It answers that it does not have the zone. */
  readonly isLame: boolean
}

/** Without `differSince`, which takes more than one look. */
export function lookAtZone(_dns: Dns, _domain: string): Promise<ZoneSeen> {
  return Promise.reject(new Error('not built yet'))
}

/** Whether its servers have different versions of the zone, or one of them has none. */
export function versionsDiffer({ servers = [] }: ZoneSeen): boolean {
  const serials = servers.flatMap(({ serial }) => (serial === undefined ? [] : [serial]))
  return new Set(serials).size > 1 || (serials.length > 0 && servers.some(({ isLame }) => isLame))
}
