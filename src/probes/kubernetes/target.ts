import type { Target } from '../../core/probe.ts'
import type { KubernetesSecret } from '../../core/reference.ts'

/** The API server that references are read from. It is no entry of a list: it follows from what is read. */
export interface KubernetesTarget extends Target {
  /** One of the Secrets that are read from it. */
  readonly secret: KubernetesSecret
  /** What the file says of how to reach it; undefined where that is where the exporter runs. */
  readonly access: object | undefined
}
