import { startAgain } from '../../probes/patroni/start.ts'
import { inSeconds, namesOf, type ReasonDraft, type ClusterContext } from './context.ts'
import type { Member, PatroniView } from './members.ts'

/** Which Patronis reach their DCS. */
export interface DcsView {
  readonly lost: readonly Member[]
  readonly reaching: readonly Member[]
  /** Just one of several does not reach it: then that node is cut off, and the DCS is there. */
  readonly alone: Member | undefined
}

export function dcsOf({ members }: PatroniView): DcsView {
  const known = members.filter(({ dcsAgeMs }) => dcsAgeMs !== undefined)
  const lost = known.filter(({ dcsLost }) => dcsLost)
  const reaching = known.filter(({ dcsLost }) => !dcsLost)
  return { lost, reaching, alone: lost.length === 1 && reaching.length > 0 ? lost[0] : undefined }
}

export const failsafeIsOn = ({ members }: PatroniView): boolean => members.some(({ facts }) => facts?.failsafeActive)

const sinceWhen = ({ name, dcsAgeMs = 0 }: Member): string => `${name} last ${inSeconds(dcsAgeMs)} ago`

const reached = ({ lost, reaching }: DcsView): string =>
  reaching.length === 0
    ? `no Patroni that answers reaches the DCS (${lost.map(sinceWhen).join(', ')})`
    : `the Patronis of ${namesOf(lost)} do not reach the DCS (${lost.map(sinceWhen).join(', ')}), that of ${namesOf(reaching)} does`

const fixTheWay = (name: string): string =>
  `Fix the way from ${name} to the DCS: network, firewall, names, certificates, its hosts in the file of Patroni. If the way is fine, see the log of Patroni on ${name}: its loop may hang. Promote no node by hand.`

/** No node is primary since the DCS is lost. */
export function noPrimaryForDcs({ view, before }: ClusterContext): ReasonDraft[] {
  const dcs = dcsOf(view)
  const { lost, reaching } = dcs
  if (lost.length === 0) return []
  if (reaching.length > 0) {
    const last = lost.find(({ node }) => node && node.name === before?.primary)
    // Standbys that are cut off are not why there is no primary.
    if (!last) return []
    const text = `${last.name} was cut off from the DCS (${lost.map(sinceWhen).join(', ')}) and gave up its role of primary; ${namesOf(reaching)} ${reaching.length > 1 ? 'reach' : 'reaches'} it`
    const remedy = `Wait: when the leader lock of ${last.name} ends (ttl), Patroni elects another node. ${fixTheWay(namesOf(lost))}`
    return [{ code: 'cluster_dcs_lost', text, remedy, verdict: 'fail' }]
  }
  const silent = view.members.filter(one => one.silent)
  const why =
    silent.length === 0
      ? ''
      : before?.failsafe === true
        ? `; failsafe_mode kept the primary only as long as every Patroni answered, and that of ${namesOf(silent)} does not`
        : `; the Patroni of ${namesOf(silent)} does not answer`
  return [
    { code: 'cluster_dcs_lost', text: `${reached(dcs)}, so Patroni lets no node be primary${why}`, verdict: 'fail' },
  ]
}

/** The DCS is lost while there is a primary: before the outage. */
export function warnOfDcs({ view, primaries }: ClusterContext): ReasonDraft[] {
  const dcs = dcsOf(view)
  const { lost, alone, reaching } = dcs
  const [primary] = primaries
  const silent = view.members.filter(one => one.silent)
  if (failsafeIsOn(view) && primary) {
    const others = view.members.filter(({ node }) => node !== primary)
    const text = `the DCS is lost, and failsafe_mode keeps ${primary.name} primary as long as the Patroni of ${namesOf(others)} answers it`
    if (silent.length === 0) return [{ code: 'cluster_failsafe_active', text }]
    return [
      {
        code: 'cluster_failsafe_active',
        text: `${text}; that of ${namesOf(silent)} does not answer: ${primary.name} is about to be demoted`,
        remedy: `${startAgain(namesOf(silent), 'at once')} Bring the DCS back, and until then update no Patroni and no node.`,
      },
    ]
  }
  if (lost.length === 0) return []
  if (!alone) {
    const isPaused = view.members.some(({ facts }) => facts?.paused)
    const then = !primary
      ? ''
      : isPaused
        ? `; maintenance mode is on, so ${primary.name} stays primary`
        : `; ${primary.name} is primary still, and is demoted if that lasts, unless failsafe_mode is on`
    return [{ code: 'cluster_dcs_lost', text: `${reached(dcs)}${then}` }]
  }
  const then =
    alone.node && alone.node === primary
      ? `; it is the primary, and gives that up if this lasts, and another node is promoted`
      : `; until it does, it is no candidate for a failover`
  return [
    {
      code: 'cluster_dcs_lost',
      text: `${alone.name} alone is cut off from the DCS: ${sinceWhen(alone)}, while ${namesOf(reaching)} ${reaching.length > 1 ? 'reach' : 'reaches'} it${then}`,
      remedy: fixTheWay(alone.name),
    },
  ]
}
