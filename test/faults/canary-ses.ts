/** A canary that leaves by the API of SES: a double takes it, and a real mailbox gets what the double took. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../servers/dovecot.ts'
import { removeFolder, tempFolder, waitFor } from '../servers/processes.ts'
import { canaryName, ends, fails, held, longestPauseMs, series, times, warns } from './canary-stage.ts'
import type { Area, Expectation, Fault, Stage } from './fault.ts'
import { configurationSet, createSes, deny, keys, remove, sender, type SesService } from './ses-service.ts'
import { without } from './skip.ts'

interface SesStage extends Stage {
  readonly env: Record<string, string | undefined>
  readonly ses: SesService
  readonly dovecot: Dovecot
  /** Where SES delivers what it takes; undefined: it is lost. */
  readonly deliverTo: (address: string | undefined) => void
}

const box = 'canary@box.example.net'

async function start(): Promise<SesStage> {
  const made = await certificates()
  const folder = tempFolder('mailpath-canary-ses-')
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, made.ca)
  const password = 'mailbox password'
  const [ses, dovecot] = await Promise.all([createSes(), startDovecot({ users: { [box]: password } })])
  await ses.restart(made.good)
  const healthy = {
    SES_ACCESS_KEY: keys.app.id,
    SES_SECRET_KEY: keys.app.secret,
    FROM: sender.address,
    IMAP_PASSWORD: password,
  }
  const env: Record<string, string | undefined> = { ...healthy }
  let to: string | undefined = box
  let delivered = 0
  let of: unknown
  const deliver = (): void => {
    let double: SesService['double']
    try {
      double = ses.double
    } catch {
      return
    }
    if (of !== double) [of, delivered] = [double, 0]
    for (const mail of double.sent.slice(delivered)) {
      delivered++
      if (to !== undefined) void dovecot.deliver(mail.message, { to, from: mail.feedbackTo }).catch(() => undefined)
    }
  }
  const timer = setInterval(deliver, 20)
  return {
    env,
    ses,
    dovecot,
    deliverTo: address => (to = address),
    secrets: [keys.app.secret, password],
    config: `ses:
  - name: app
    access_key: { env: SES_ACCESS_KEY }
    secret_key: { env: SES_SECRET_KEY }
    region: eu-west-1
    from: ${sender.address}
    configuration_set: ${configurationSet}
    endpoint: https://127.0.0.1:${ses.port}
    ca_file: ${caFile}
    implemented: true
    interval: ${times.intervalMs}ms
canary:
  - name: ${canaryName}
    ses: app
    from: { env: FROM }
    to: ${box}
    mailbox:
      host: 127.0.0.1
      port: ${dovecot.ports.imaps}
      user: ${box}
      password: { env: IMAP_PASSWORD }
      ca_file: ${caFile}
    late_after: 1400ms
    lost_after: ${ends.soon}ms
mail:
  - { name: app, write_path: [], provider: ses }`,
    async heal() {
      Object.assign(env, healthy)
      to = box
      if (!dovecot.process.alive()) await dovecot.up()
      await ses.restart(made.good)
      await waitFor(() => ses.double.sent.length > 0, {
        timeoutMs: longestPauseMs,
        what: 'a canary left after it was healed',
      })
    },
    async stop() {
      clearInterval(timer)
      await Promise.all([ses.swap(), dovecot.stop()])
      await removeFolder(folder)
    },
  }
}

type Row = Omit<Fault<SesStage>, 'skip'>

const row = (name: string, inject: (stage: SesStage) => unknown, seen: Expectation): Row => ({
  name: `Canary by SES: ${name}`,
  async inject(stage) {
    await inject(stage)
  },
  seen,
})

/** SES is to blame, and the canary is a consequence. */
const sesIs = (code: string, reason: string): Expectation => ({
  verdict: 'fail',
  root: `ses/app ${code}`,
  reasons: [held(reason)],
  because: { [held(reason)]: 'ses/app' },
})

const rows: readonly Row[] = [
  row('SES takes it and it does not arrive', stage => stage.deliverTo(undefined), fails('lost')),
  row(
    'the receiver puts it into the junk folder',
    stage => stage.deliverTo(box.replace('@', '+Junk@')),
    warns('in_junk', { samples: { [series('in_junk')]: 1 } }),
  ),
  row(
    'its sender is not verified',
    stage => Object.assign(stage.env, { FROM: 'app@unverified.example.org' }),
    fails('rejected', { [series('rejected_total')]: 'any' }),
  ),
  row(
    'the keys may not send (ses:SendEmail)',
    stage => deny(stage.ses.double, keys.app, 'ses:SendEmail'),
    fails('rejected'),
  ),
  row(
    'the secret key is another one',
    stage => Object.assign(stage.env, { SES_SECRET_KEY: keys.monitor.secret }),
    sesIs('ses_secret_wrong', 'not_sent'),
  ),
  row(
    'sending is paused',
    stage => (stage.ses.double.account['SendingEnabled'] = false),
    sesIs('ses_sending_paused', 'rejected'),
  ),
  row(
    'its configuration set was deleted',
    stage => remove(stage.ses.double, 'configurationSets', configurationSet),
    sesIs('ses_configuration_set_missing', 'rejected'),
  ),
  row('SES refuses connections', stage => stage.ses.swap(), sesIs('ses_unreachable', 'not_sent')),
  row('its mailbox is down', stage => stage.dovecot.down(), warns('mailbox_unreachable', { not: [held('lost')] })),
]

const withoutDovecot = without('Dovecot', dovecotBinary(), dovecotInstall)

export const canarySesArea: Area<SesStage> = {
  name: 'Canary by SES',
  start,
  faults: rows.map(one => ({ ...one, skip: withoutDovecot })),
  times,
}
