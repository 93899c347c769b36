import { describeError } from '../../core/errors.ts'
import type { ApiServerAnswer, KubernetesSecret, Look, Target } from '../../core/probe.ts'

/** The API server that references are read from. It is no entry of a list: it follows from what is read. */
export interface KubernetesTarget extends Target {
  /** One of the Secrets that are read from it. */
  readonly secret: KubernetesSecret
  /** What the file says of how to reach it; undefined where that is where the exporter runs. */
  readonly access: object | undefined
}

export interface KubernetesSeen {
  /** Undefined where none came in time. */
  readonly answer: ApiServerAnswer | undefined
  /** What was waited for in vain; empty where an answer came. */
  readonly waited: string
}

/**
 * Asks for one of the Secrets that other checks read: so it meets what they meet, and costs no request of its own where
 * they ask at the same time.
 */
export async function observe({ secret }: KubernetesTarget, look: Look): Promise<KubernetesSeen> {
  try {
    return { answer: await look.apiServer(secret), waited: '' }
  } catch (error) {
    if (!look.signal.aborted) throw error
    return { answer: undefined, waited: describeError(error) }
  }
}
