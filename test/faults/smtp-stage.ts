import { rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { scripted, type Handler, type Listening, type Script } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import { freePort, removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp, type Smtp, type SmtpOptions } from '../servers/smtp.ts'
import type { Expectation, ExpectedValue, Fault, Stage } from './fault.ts'

/** The relay of a stage: its port stays, what listens on it is swapped. */
export interface Relay {
  readonly port: number
  /** Holds the password of `user`, which is another one after each `heal`, since a refused one is not sent again. */
  readonly passwordFile: string
  readonly caFile: string
  /** Sets what the exporter takes for the password. */
  readonly password: (password: string) => Promise<void>
  /** The healthy server; throws where something else listens. */
  readonly server: () => Smtp
  /** From now on somebody else listens there, or nobody. */
  readonly swap: (start?: (port: number) => Promise<Listening>) => Promise<void>
  readonly heal: () => Promise<void>
  readonly stop: () => Promise<void>
}

export const user = 'postmaster'
const { ca, good } = await certificates()

/** A relay that is healthy (smtp-server), on `security: starttls` unless told otherwise. */
export async function startRelay(healthy: Partial<SmtpOptions> = {}): Promise<Relay> {
  const folder = tempFolder('mailpath-smtp-')
  const port = await freePort()
  const [passwordFile, caFile] = [path.join(folder, 'password'), path.join(folder, 'ca.pem')]
  await writeFile(caFile, ca)
  let server: Smtp | undefined
  let current: Listening | undefined
  let turn = 0

  async function password(text: string): Promise<void> {
    await writeFile(`${passwordFile}.new`, text)
    await rename(`${passwordFile}.new`, passwordFile)
  }
  async function swap(start?: (port: number) => Promise<Listening>): Promise<void> {
    await current?.close()
    server = current = undefined
    current = await start?.(port)
  }
  async function heal(): Promise<void> {
    const word = `correct horse ${++turn}`
    await password(word)
    await swap()
    const options: SmtpOptions = { security: 'starttls', certificate: good, users: { [user]: word }, ...healthy, port }
    server = current = await startSmtp(options)
  }
  const relay: Relay = {
    port,
    passwordFile,
    caFile,
    password,
    server() {
      if (!server) throw new Error('the healthy server does not listen')
      return server
    },
    swap,
    heal,
    async stop() {
      await swap()
      await removeFolder(folder)
    },
  }
  await heal()
  return relay
}

/** A row in which something else comes to listen where the relay was. */
export const swapped = (
  name: string,
  start: ((port: number) => Promise<Listening>) | undefined,
  seen: Expectation,
): Fault<RelayStage> => ({ name, inject: ({ relay }) => relay.swap(start), seen })

/** A row in which the relay (smtp-server) itself behaves in another way. */
export const changed = (name: string, change: (server: Smtp) => void, seen: Expectation): Fault<RelayStage> => ({
  name,
  inject({ relay }) {
    change(relay.server())
    return Promise.resolve()
  },
  seen,
})

/** A swap for a server that says what it is told to. */
export const script =
  (options: Script): ((port: number) => Promise<Listening>) =>
  port =>
    scripted({ security: 'starttls', certificate: good, ...options, port })

/** Answers the lines that begin with a word. */
export const answer =
  (word: string, reply: string): Handler =>
  line =>
    line.startsWith(word) ? reply : undefined

/** An smtp target in YAML, of a relay on this machine. */
export const target = (name: string, { port, caFile }: Pick<Relay, 'port' | 'caFile'>, more = ''): string =>
  `  - { name: ${name}, host: 127.0.0.1, port: ${port}, ca_file: ${caFile}${more && `, ${more}`} }`

/** A login in YAML. */
export const login = ({ passwordFile }: Pick<Relay, 'passwordFile'>): string =>
  `user: ${user}, password: { file: ${passwordFile} }`

/** The only mail path of a stage without a database. */
export const mailPath = 'mail: [{ name: app, write_path: [] }]'

export interface RelayStage extends Stage {
  readonly relay: Relay
  readonly env: Record<string, string | undefined>
}

/** The stage of one relay. */
export function stageOf(relay: Relay, config: string, env: Record<string, string | undefined> = {}): RelayStage {
  const before = { ...env }
  return {
    relay,
    config: `${config}\n${mailPath}`,
    env,
    async heal() {
      Object.assign(env, before)
      await relay.heal()
    },
    stop: relay.stop,
  }
}

/** The stage of one relay with a login, and with `more` in its target. */
export async function relayStage(more = '', healthy: Partial<SmtpOptions> = {}): Promise<RelayStage> {
  const relay = await startRelay(healthy)
  return stageOf(relay, `smtp:\n${target('relay', relay, more ? `${login(relay)}, ${more}` : login(relay))}`)
}

/** Two more rounds, in which a login that was refused must not be sent again. */
export async function notSentAgain({ relay }: RelayStage): Promise<void> {
  const { logins, quits } = relay.server()
  await waitFor(() => relay.server().quits >= quits + 2, { what: 'two more rounds' })
  if (relay.server().logins > logins) throw new Error('a refused login was sent again')
}

/** Samples of the smtp target `name`, written without `mailpath_smtp_`. */
export const samplesOf = (samples: Readonly<Record<string, ExpectedValue>>, name = 'relay') =>
  Object.fromEntries(
    Object.entries(samples).map(([metric, value]) => [`mailpath_smtp_${metric}{target="${name}"}`, value]),
  )

/** Mail fails (or is unknown) for one reason: that of the target `relay`. */
export const blocked = (
  code: string,
  samples: Readonly<Record<string, ExpectedValue>>,
  { verdict = 'fail', name = 'relay', ...more }: Partial<Expectation> & { name?: string } = {},
): Expectation => ({
  verdict,
  root: `smtp/${name} ${code}`,
  reasons: [`smtp/${name} ${code}`],
  ...more,
  samples: { ...samplesOf(samples, name), ...more.samples },
})

const absent = null
/** What there are no samples of where it came to no handshake, or to no login. */
export const noTls = { certificate_valid: absent, certificate_not_after_timestamp_seconds: absent }
export const noLogin = { authenticated: absent, auth_suspended_until_timestamp_seconds: absent }
/** TLS with a certificate that verifies. */
export const secured = { reachable: 1, starttls: 1, certificate_valid: 1 }
/** A login that was refused, and is not sent again for a while. */
export const backedOff = { ...secured, authenticated: 0, auth_suspended_until_timestamp_seconds: 'any' } as const
/** What EHLO offers. */
export const offers = (...auth: string[]): string[] => ['STARTTLS', ...auth]
/** Nothing but that it cannot be reached. */
export const nothing = { reachable: 0, starttls: absent, response_code: absent, ...noTls, ...noLogin }
