import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { boxDomain, routeBinary, routeInstall, senders, startMailRoute, type MailRoute } from '../servers/mail-route.ts'
import type { Policy } from '../servers/policy.ts'
import { removeFolder, tempFolder, waitFor } from '../servers/processes.ts'
import type { Area, Expectation, ExpectedValue, Fault, Stage } from './fault.ts'
import { without } from './skip.ts'
import { mailPath } from './smtp-stage.ts'

/** A canary on its whole route, all of it real: relay, mail server of the receiver, mailbox. */
export interface CanaryStage extends Stage {
  readonly route: MailRoute
  readonly env: Record<string, string | undefined>
  /** The environment as at the start; for what breaks nothing else. */
  readonly resetEnv: () => Promise<void>
  /** Mails that the relay took so far. */
  readonly sent: () => number
}

export const canaryName = 'outside'
export const box = `canary@${boxDomain}`
/** Another mailbox. */
export const crowded = `crowded@${boxDomain}`

/** A canary is sent once in an interval, and a run waits for it. */
export const times = { intervalMs: 3_000, timeoutMs: 2_600 }
/** By IDLE, Dovecot says that a mail came half a second after it has come. */
const lateAfterMs = 1_400
/** Less than a run waits: what is lost is seen in the run that sent it. */
const lostAfterMs = 1_600
/** Nothing is lost in so short a time as a row takes. */
const neverMs = 3_600_000
/** Of three that are lost, one gives way only after `4 × lost_after`. */
export const longestPauseMs = 4 * lostAfterMs + 4 * times.intervalMs

export const series = (metric: string, labels = ''): string =>
  `mailpath_canary_${metric}{target="${canaryName}"${labels && `,${labels}`}}`
export const held = (code: string): string => `canary/${canaryName} canary_${code}`

export const withoutRoute = without('the route of a mail', routeBinary(), routeInstall)

export const ends = { soon: lostAfterMs, never: neverMs } as const

interface Slowness {
  /** How many times slower than in other areas all of it is. */
  readonly pace?: number
  /** After which time a mail is late, in milliseconds. */
  readonly lateMs?: number
}

/** `lost`: after which time a mail that has not come is lost. */
export const startStage =
  (lost: keyof typeof ends, { pace = 1, lateMs = lateAfterMs }: Slowness = {}) =>
  async (): Promise<CanaryStage> => {
    const passwords = { relay: 'relay password', mailbox: 'mailbox password', crowded: 'crowded password' }
    const route = await startMailRoute({
      login: { user: 'app', password: passwords.relay },
      mailboxes: { [box]: passwords.mailbox, [crowded]: passwords.crowded },
    })
    const { relay, receiver, dovecot } = route
    const folder = tempFolder('mailpath-canary-')
    const caFile = path.join(folder, 'ca.pem')
    await writeFile(caFile, route.ca)
    const healthy = {
      RELAY_PORT: String(relay.port),
      RELAY_PASSWORD: passwords.relay,
      FROM: `app@${senders.good}`,
      TO: box,
      BOUNCES: box,
      IMAP_PORT: String(dovecot.ports.imaps),
      IMAP_USER: box,
      IMAP_PASSWORD: passwords.mailbox,
    }
    const env: Record<string, string | undefined> = { ...healthy }
    const resetEnv = (): Promise<void> => {
      Object.assign(env, healthy)
      return Promise.resolve()
    }
    let sent = 0
    const countOnly: Policy = ({ protocol_state }) => {
      if (protocol_state === 'END-OF-MESSAGE') sent++
      return undefined
    }
    for (const user of [box, crowded]) await dovecot.doveadm(['mailbox', 'create', '-u', user, 'Reports'])
    relay.policy.decide(countOnly)
    const { good } = await certificates()
    return {
      route,
      env,
      resetEnv,
      sent: () => sent,
      secrets: Object.values(passwords),
      config: `smtp:
  - { name: relay, host: 127.0.0.1, port: { env: RELAY_PORT }, ca_file: ${caFile}, user: app, password: { env: RELAY_PASSWORD } }
canary:
  - name: ${canaryName}
    smtp: relay
    from: { env: FROM }
    to: { env: TO }
    envelope_from: { env: BOUNCES }
    mailbox:
      host: 127.0.0.1
      port: { env: IMAP_PORT }
      user: { env: IMAP_USER }
      password: { env: IMAP_PASSWORD }
      ca_file: ${caFile}
      folders: [Reports]
    late_after: ${lateMs}ms
    lost_after: ${ends[lost]}ms
    expect: { spf: pass, dkim: pass, dmarc: pass }
${mailPath}`,
      async heal() {
        await resetEnv()
        relay.policy.decide(countOnly)
        receiver.policy.decide(() => undefined)
        receiver.resume()
        if (dovecot.process.alive()) dovecot.resume()
        else await dovecot.up()
        await dovecot.certificate(good)
        for (const server of [relay, receiver]) {
          await server.configure()
          await server.run('postsuper', ['-H', 'ALL'])
          await server.flush()
        }
        const before = sent
        await waitFor(() => sent > before, {
          timeoutMs: longestPauseMs * pace,
          what: 'a canary left after it was healed',
        })
      },
      async stop() {
        await route.stop()
        await removeFolder(folder)
      },
    }
  }

const slowed = ({ pace = 1 }: Slowness): typeof times => ({
  intervalMs: times.intervalMs * pace,
  timeoutMs: times.timeoutMs * pace,
})

/** What Postfix says in a policy: a refusal at one of its commands, such as `RCPT` or `END-OF-MESSAGE`. */
export const at =
  (state: 'CONNECT' | 'MAIL' | 'RCPT' | 'DATA' | 'END-OF-MESSAGE', action: string, only: Policy = () => ''): Policy =>
  request =>
    request['protocol_state'] === state && only(request) !== undefined ? action : undefined

/** Not for bounces, which have no sender. */
export const notBounces: Policy = ({ sender }) => (sender === '' ? undefined : '')

/** Skipped also where the route cannot run. */
export type Row = Fault<CanaryStage>

/** What the relay does with mail. */
export const relayDoes = (name: string, policy: Policy, seen: Expectation): Row => ({
  name: `Canary: ${name}`,
  inject({ route }) {
    route.relay.policy.decide(policy)
    return Promise.resolve()
  },
  seen,
})

/** What the mail server of the receiver does. */
export const receiverDoes = (name: string, policy: Policy, seen: Expectation): Row => ({
  name: `Canary: ${name}`,
  inject({ route }) {
    route.receiver.policy.decide(policy)
    return Promise.resolve()
  },
  seen,
})

/** Other values in the environment. */
export const withEnv = (
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  seen: Expectation,
  more: Partial<Row> = {},
): Row => ({
  name: `Canary: ${name}`,
  async inject(stage) {
    await stage.resetEnv()
    Object.assign(stage.env, env)
  },
  heal: stage => stage.resetEnv(),
  seen,
  ...more,
})

/** Mail fails because of the canary. */
export const fails = (code: string, samples: Readonly<Record<string, ExpectedValue>> = {}): Expectation => ({
  verdict: 'fail',
  root: held(code),
  samples,
})

/** Mail is `warn`, by this reason of the canary. */
export const warns = (code: string, more: Partial<Expectation> = {}): Expectation => ({
  verdict: 'warn',
  reasons: [held(code)],
  ...more,
})

export const areaOf = (
  name: string,
  lost: keyof typeof ends,
  rows: readonly Row[],
  slowness: Slowness = {},
): Area<CanaryStage> => ({
  name: `Canary: ${name}`,
  start: startStage(lost, slowness),
  faults: rows.map(row => ({ ...row, skip: row.skip ?? withoutRoute })),
  times: slowed(slowness),
})
