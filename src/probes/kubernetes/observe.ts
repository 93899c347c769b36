import { describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { ApiServerAnswer } from '../../core/reference.ts'
import type { KubernetesTarget } from './target.ts'

export interface KubernetesSeen {
  /** Undefined if none came in time. */
  readonly answer: ApiServerAnswer | undefined
  /** What timed out; empty if an answer came. */
  readonly waited: string
}

/** Asks for a Secret that other checks read: it sees what they see, and shares requests made at the same time. */
export async function observe({ secret }: KubernetesTarget, look: Look): Promise<KubernetesSeen> {
  try {
    return { answer: await look.apiServer(secret), waited: '' }
  } catch (error) {
    if (!look.signal.aborted) throw error
    return { answer: undefined, waited: describeError(error) }
  }
}
