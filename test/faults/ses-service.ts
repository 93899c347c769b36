import type { Certificate } from '../servers/certificates.ts'
import { extend, type Listening } from '../servers/hostile.ts'
import { freePort } from '../servers/ports.ts'
import { accessKeyOf, startSesDouble, type AwsKey, type SesKnobs } from '../servers/ses-double.ts'

/** The double of SES as a service: its port stays, what listens on it is swapped, be it for nobody. */
export interface SesService {
  readonly port: number
  /** The healthy double; throws where something else listens. */
  readonly double: SesKnobs
  readonly swap: (start?: (port: number) => Promise<Listening>) => Promise<void>
  /**
   * A new double in place of what listens, with all as it should be, and this certificate; without one it speaks no TLS. Keys
   * that were given out stay good.
   */
  readonly restart: (certificate?: Certificate) => Promise<void>
}

/** The double has verified the domain. */
export const sender = { address: 'no-reply@app.example.com', domain: 'app.example.com', parent: 'example.com' } as const
export const configurationSet = 'transactional'
/** An address that must be in no output. */
export const recipient = 'rita.lovelace@box.example.net'

const pair = (secret: string, account?: string): AwsKey => ({ id: accessKeyOf(account), secret })
/** Those of the application, and others of its account; `foreign` is of another account, and `nobody` has the last. */
export const keys = {
  app: pair('q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P'),
  monitor: pair('Zr4/kV8uQm1Xs7Tb0Ly+Pd3Ew6Ng9Hc2Fj5Ia8Ro'),
  foreign: pair('h5Gd/Wn2Xk9Tq4Mz7Cb1Rv8Ys3Lp6Jf0Ae+Ui2Do', '210987654321'),
  nobody: pair('w1Dk+Jt6Vq3Yb8Gm0Xf5Rz2Lc9Ns7/Hp4Ue1Ao6T'),
} as const

/** Begins with nobody who listens. `prepare` is given each new double. */
export async function createSes(prepare: (double: SesKnobs) => unknown = () => undefined): Promise<SesService> {
  const port = await freePort()
  let current: Listening | undefined
  let double: SesKnobs | undefined
  let issued: AwsKey[] = []
  const swap: SesService['swap'] = async start => {
    await current?.close()
    current = double = undefined
    current = await start?.(port)
  }
  return extend(
    {
      port,
      swap,
      async restart(tls?: Certificate) {
        issued = double?.issued ?? issued
        await swap()
        const started = await startSesDouble({ port, tls, keys: [keys.app, keys.monitor, keys.foreign] })
        started.issued = issued
        prepare(started)
        current = double = started
      },
    },
    {
      get double(): SesKnobs {
        if (!double) throw new Error('the double of SES does not listen')
        return double
      },
    },
  )
}

/** The keys with this id, as the double knows them. */
export function keyOf({ keys: known }: SesKnobs, { id }: AwsKey): AwsKey {
  const found = known.find(one => one.id === id)
  if (!found) throw new Error('the double does not know these keys')
  return found
}

const reads = [
  'ses:GetAccount',
  'ses:GetEmailIdentity',
  'ses:GetConfigurationSet',
  'ses:GetSuppressedDestination',
  'ses:GetSendStatistics',
]
/** Takes actions out of the policy of these keys. */
export function deny(double: SesKnobs, key: AwsKey, ...actions: readonly string[]): void {
  const own = keyOf(double, key)
  own.allows = (own.allows ?? reads).filter(action => !actions.includes(action))
}

/** Deletes an identity or a configuration set. */
export function remove(double: SesKnobs, kind: 'identities' | 'configurationSets', name: string): void {
  double[kind] = Object.fromEntries(Object.entries(double[kind]).filter(([one]) => one !== name))
}
