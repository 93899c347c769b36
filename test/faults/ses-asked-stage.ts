import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Verdict } from '../../src/core/probe.ts'
import { certificates } from '../servers/certificates.ts'
import { freePort } from '../servers/ports.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import type { SesKnobs } from '../servers/ses-double.ts'
import { startSmtp } from '../servers/smtp.ts'
import type { Expectation, ExpectedValue, Fault, Stage, Times } from './fault.ts'
import { configurationSet, createSes, keys, recipient, sender, type SesService } from './ses-service.ts'

/** An application that sends through SES, and may have a relay as well. Its settings are the environment. */
export interface AskedStage extends Stage {
  readonly env: Record<string, string | undefined>
  readonly ses: SesService
  readonly folder: string
  /** Nobody listens at the relay any more. */
  stopRelay(): Promise<void>
}

export interface AskedOptions {
  /** Keys of the ses target in place of the usual ones, or as well. */
  readonly target?: Keys | ((at: Place) => Keys)
  /** Keys of the mail path. */
  readonly mail?: Keys
  readonly relay?: boolean
  /** Variables in place of the usual ones, or as well. */
  readonly env?: Variables | ((at: Place) => Variables)
  /** Whether SES speaks TLS. Default: true. */
  readonly tls?: boolean
  /** More of what must be in no output. */
  readonly secrets?: readonly string[]
  /** What each new double is given. */
  readonly prepare?: (double: SesKnobs) => unknown
  /** A last step of healing, and of the start. */
  readonly healed?: (stage: AskedStage) => Promise<void>
}
type Keys = Readonly<Record<string, unknown>>
type Variables = Readonly<Record<string, string>>

/** The folder of the stage, and where SES is. */
interface Place {
  readonly folder: string
  readonly url: string
}

/** Of these areas: the first run asks up to eight times, each time over a connection of its own. */
export const sesTimes: Times = { intervalMs: 1_500, timeoutMs: 1_300 }

/** Of the double: it is in the ARNs of its refusals. */
const accountNumber = '123456789012'
const login = { user: 'postmaster@keybuzz.io', password: 'hunter2-hunter2' }
const wellSet = {
  SES_ACCESS_KEY: keys.app.id,
  SES_SECRET_KEY: keys.app.secret,
  SES_REGION: 'eu-west-1',
  SES_FROM: sender.address,
  SES_RECIPIENT: recipient,
  EMAIL_PROVIDER: 'ses',
  SMTP_PASS: login.password,
}

export async function startAskedStage(options: AskedOptions = {}): Promise<AskedStage> {
  const { target, mail, relay = false, env: more = {}, tls = true, prepare, healed } = options
  const made = await certificates()
  const folder = tempFolder('mailpath-faults-ses-')
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, made.ca)
  const ses = await createSes(prepare)
  const port = await freePort()
  const startRelay = () => startSmtp({ port, security: 'none', users: { [login.user]: login.password } })
  let running: Awaited<ReturnType<typeof startSmtp>> | undefined
  const place = { folder, url: `${tls ? 'https' : 'http'}://127.0.0.1:${ses.port}` }
  const base = { ...wellSet, ...(typeof more === 'function' ? more(place) : more) }
  const env: Record<string, string | undefined> = { ...base }
  const stage: AskedStage = {
    env,
    ses,
    folder,
    secrets: [
      ...Object.values(keys).flatMap(({ id, secret }) => [id, secret]),
      recipient,
      sender.address,
      accountNumber,
      ...(options.secrets ?? []),
    ],
    config: JSON.stringify({
      ...(relay && {
        smtp: [
          {
            name: 'relay',
            host: '127.0.0.1',
            port,
            security: 'none',
            user: login.user,
            password: { env: 'SMTP_PASS' },
          },
        ],
      }),
      ses: [
        {
          name: 'app',
          interval: `${sesTimes.intervalMs}ms`,
          access_key: { env: 'SES_ACCESS_KEY' },
          secret_key: { env: 'SES_SECRET_KEY' },
          region: { env: 'SES_REGION' },
          from: { env: 'SES_FROM' },
          configuration_set: configurationSet,
          recipients: [{ env: 'SES_RECIPIENT' }],
          endpoint: place.url,
          ...(tls && { ca_file: caFile }),
          ...(typeof target === 'function' ? target(place) : target),
        },
      ],
      mail: [{ name: 'app', write_path: [], provider: { env: 'EMAIL_PROVIDER' }, ...mail }],
    }),
    async stopRelay() {
      const old = running
      running = undefined
      await old?.close()
    },
    async heal() {
      for (const name of Object.keys(env)) env[name] = undefined
      Object.assign(env, base)
      if (relay) running ??= await startRelay()
      await ses.restart(tls ? made.good : undefined)
      await healed?.(stage)
    },
    async stop() {
      await Promise.all([running?.close(), ses.swap()])
      await removeFolder(folder)
    },
  }
  await stage.heal()
  return stage
}

/** What a row may turn. */
type Turn = (at: { readonly double: SesKnobs; readonly env: AskedStage['env'] }) => unknown

/** A row in which SES itself, or a setting of the application, becomes another. */
export const turned = (name: string, turn: Turn, seen: Expectation): Fault<AskedStage> => ({
  name,
  inject({ ses, env }) {
    turn({ double: ses.double, env })
    return Promise.resolve()
  },
  seen,
})

/** Sets variables of the application, or takes them away. */
export const withEnv =
  (wanted: Readonly<Record<string, string | undefined>>): Turn =>
  ({ env }) =>
    Object.assign(env, wanted)

type Samples = Readonly<Record<string, ExpectedValue>>

/** Samples of the ses target `app`, written without `mailpath_ses_`; the status of a state set after a space. */
export const sesSamples = (samples: Samples, target = 'app'): Samples =>
  Object.fromEntries(
    Object.entries(samples).map(([name, value]) => {
      const [metric, status] = name.split(' ')
      const labels = `target="${target}"${status === undefined ? '' : `,status="${status}"`}`
      return [`mailpath_ses_${metric}{${labels}}`, value]
    }),
  )

/** The keys are those of the account. */
export const proven = { reachable: 1, credentials_valid: 1 }

/** With SES as the only way out. */
export const saying = (verdict: Verdict, code: string | undefined, samples: Samples = {}): Expectation => {
  const told = code === undefined ? [] : [`ses/app ${code}`]
  const root = verdict === 'fail' || verdict === 'unknown' ? told[0] : undefined
  return { verdict, ...(root !== undefined && { root }), reasons: told, samples: sesSamples(samples) }
}
export const sesFails = (code: string, samples?: Samples): Expectation => saying('fail', code, samples)
export const sesIsUnknown = (code: string, samples?: Samples): Expectation => saying('unknown', code, samples)
export const sesWarns = (code: string, samples?: Samples): Expectation => saying('warn', code, samples)
