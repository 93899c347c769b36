import { HttpFailure, type HttpResponse } from '../../clients/http.ts'
import { deadline } from '../../core/deadline.ts'
import type { Look } from '../../core/probe.ts'
import { membersIn, type MemberList, type PatroniFacts } from './answer.ts'
import type { PatroniTarget } from './target.ts'

/** The list of members costs Patroni a read of its DCS, and it seldom changes. In milliseconds. */
const askedEveryMs = 300_000
/** If the DCS hangs, so does the answer. The list may take this part of the time of a run. */
const shareOfTime = 4

interface Remembered {
  /** By the monotonic clock. */
  readonly askedAt: number
  readonly list: MemberList | undefined
}

/** The last list by target. Kept here because a probe has no state, and weakly, so that it goes with the target. */
const memory = new WeakMap<PatroniTarget, Remembered>()

/**
 * The members of the cluster, by the last list that this holder of the lock gave. It is asked for one at its first run and
 * then once in 5 minutes, and only while its DCS answers: a read that fails makes Patroni forget what it knows of the
 * cluster until its next loop. That it gives none is no failure of the run.
 */
export async function membersOf(
  target: PatroniTarget,
  look: Look,
  facts: PatroniFacts,
  ask: (path: string, signal: AbortSignal) => Promise<HttpResponse>,
): Promise<MemberList | undefined> {
  const last = memory.get(target)
  const askedAt = performance.now()
  const isFresh = last !== undefined && askedAt - last.askedAt < askedEveryMs
  if (isFresh || !reachesDcs(target, facts)) return last?.list
  const limit = deadline(look.timeoutMs / shareOfTime, look.signal)
  try {
    const answer = await look.phase('members', () => ask('/cluster', limit.signal))
    const list = membersIn(answer) ?? last?.list
    memory.set(target, { askedAt, list })
    return list
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    // What the exporter lacks says nothing about the DCS.
    if (error.want === undefined && !look.signal.aborted) memory.set(target, { askedAt, list: last?.list })
    return last?.list
  } finally {
    limit.clear()
  }
}

const reachesDcs = ({ max_dcs_age: max }: PatroniTarget, facts: PatroniFacts): boolean =>
  !facts.clusterUnlocked &&
  !facts.failsafeActive &&
  (facts.dcsLastSeenAt === undefined || Date.now() - facts.dcsLastSeenAt < max)
