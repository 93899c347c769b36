import { describeError } from '../core/errors.ts'
import { createReferences } from '../references/index.ts'
import type { Asked } from './asked.ts'
import type { AppSettings } from './settings.ts'

/** A Secret of Kubernetes. */
export interface SecretName {
  readonly namespace: string
  readonly secret: string
}

/** How the API server is reached: by a kubeconfig, or as a pod does it. */
interface Access {
  readonly kubeconfig: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The settings in a Secret, by one GET of it. */
export async function secretSettings(
  { namespace, secret }: SecretName,
  { kubeconfig, env }: Access,
  signal: AbortSignal,
): Promise<Asked<AppSettings>> {
  const place = `Secret ${namespace}/${secret}`
  const references = createReferences({
    env,
    vaults: [],
    kubernetes: kubeconfig === undefined ? undefined : { kubeconfig },
  })
  try {
    const values = await references.settings({ kubernetes: { namespace, secret } }, signal)
    return {
      place,
      found: {
        app: secret,
        place,
        values,
        at: key => `key ${key}`,
        reference: (key, more) => ({ kubernetes: { namespace, secret, key }, ...more }),
        from: { kubernetes: { namespace, secret } },
      },
    }
  } catch (error) {
    signal.throwIfAborted()
    return { place, found: undefined, why: withHint(describeError(error), kubeconfig) }
  }
}

const withHint = (text: string, kubeconfig: string | undefined): string =>
  kubeconfig === undefined && text.includes('not inside of a cluster')
    ? 'not inside of a cluster; give --kubeconfig=FILE'
    : text
