import type { Target } from '../../core/probe.ts'
import type { KubernetesSecret } from '../../core/reference.ts'

/** The API server that references are read from. It is not in a list: it follows from the references. */
export interface KubernetesTarget extends Target {
  /** One of the Secrets that are read from it. */
  readonly secret: KubernetesSecret
  /** How the file says to reach it; undefined for the cluster that the exporter runs in. */
  readonly access: object | undefined
}
