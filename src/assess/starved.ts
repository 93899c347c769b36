import { checkId, type Reason } from '../core/probe.ts'
import { exporterReason, remedies, wanting } from '../core/starved.ts'
import { exporterKind, resources, type Resource } from '../core/want.ts'

/** Something that the exporter is short of, or soon will be. It is reported once, and not for each check. */
export interface Starved {
  readonly resource: Resource
  readonly reason: Reason
  /** Error codes of the system, as `EMFILE`; empty where only the exporter itself noticed. */
  readonly codes: readonly string[]
  /** The checks that could not look; empty while there is enough for them. */
  readonly checks: readonly string[]
}

/** What the exporter notices of itself. `text` continues a sentence that begins with "the exporter". */
export interface Own {
  readonly resource: Resource
  readonly text: string
}

/** The reason that the exporter itself is short of something. */
const reasonOf = (
  resource: Resource,
  text = `is short of ${wanting[resource]}, so that not everything could be looked at`,
): Reason => exporterReason('exporter_starved', `the exporter ${text}`, remedies[resource])

/** Makes a reason that is a shortage of the exporter one of the exporter: the same one, however many checks have it. */
export const whose = <T extends { readonly probe: string; readonly target: string; readonly reason: Reason }>(
  one: T,
): T =>
  one.reason.want === undefined
    ? one
    : { ...one, probe: exporterKind, target: one.reason.want.resource, reason: reasonOf(one.reason.want.resource) }

/** The part of a check that counts here. */
interface Met {
  readonly id: string
  readonly reasons: readonly Reason[]
}

/** What the exporter is short of now, by what its checks met and what it notices of itself. */
export function starvedOf(checks: readonly Met[], own: readonly Own[] = []): readonly Starved[] {
  const met = checks.flatMap(({ id, reasons }) =>
    reasons.flatMap(({ want }) => (want === undefined ? [] : [{ id, ...want }])),
  )
  return resources.flatMap(resource => {
    const here = met.filter(one => one.resource === resource)
    const noticed = own.find(one => one.resource === resource)
    if (here.length === 0) return noticed ? [starved(resource, noticed.text)] : []
    const codes = [...new Set(here.map(({ code }) => code))]
    const ids = [...new Set(here.map(({ id }) => id))]
    const those = ids.length === 1 ? '1 check was' : `${ids.length} checks were`
    const text = `is short of ${wanting[resource]} (${codes.join(', ')}): ${those} not looked at`
    return [{ ...starved(resource, text), codes, checks: ids }]
  })
}

const starved = (resource: Resource, text: string): Starved => ({
  resource,
  reason: reasonOf(resource, text),
  codes: [],
  checks: [],
})

/** Its id, in the form of the ids of checks (`probe/target`). */
export const starvedId = ({ resource }: Starved): string => checkId({ probe: exporterKind, target: resource })
