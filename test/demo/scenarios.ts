import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresNode } from '../servers/postgres.ts'
import { lateAfterMs, targets } from './config.ts'
import type { StatusJson } from './exporter.ts'
import { secrets, type Platform } from './platform.ts'

/** A way to break the platform, or to heal it. */
export interface Scenario {
  readonly key: string
  readonly name: string
  run: (platform: Platform) => Promise<Outcome>
}

interface Outcome {
  /** What was done, in one line. */
  readonly done: string
  /** Whether the exporter has seen it; undefined where nothing was done. */
  readonly seen: ((status: StatusJson) => boolean) | undefined
}

/** The state the platform starts in, whatever it is in now. */
const incident: Scenario = {
  key: 'i',
  name: 'incident',
  async run(platform) {
    await platform.cluster.heal()
    const primary = await followPrimary(platform)
    const standby = platform.cluster.nodes.findLast(node => node !== primary) ?? primary
    platform.pointDatabaseUrl(standby)
    platform.useSes(false)
    await platform.vault.down()
    platform.vault.keep(secrets.smtpPass)
    platform.sender.running = true
    platform.post.fate = 'delivered'
    platform.names.published = true
    await platform.sender.backlog(primary, 20)
    return {
      done: `DATABASE_URL names ${standby.name}, a standby, so no mail of the outbox is marked as sent, and it grows; Vault is down, and SMTP_PASS comes out of it; SES is a stub`,
      seen: seesIncident,
    }
  },
}

export const seesIncident = (status: StatusJson): boolean =>
  has(status, 'write_path', targets.databaseUrl, 'write_path_read_only') &&
  has(status, 'vault', targets.vault, 'vault_unreachable')

/** As a failover manager does it: another primary, the endpoint follows, the old one comes back as a standby. */
export const failover: Scenario = {
  key: 'f',
  name: 'failover',
  async run(platform) {
    const { cluster, router } = platform
    const [next, old] = [await promotable(platform), await cluster.primary()]
    if (!next) return nothing('there is no standby that could be promoted')
    await cluster.failover(next.name)
    router.route([next])
    await cluster.rejoin(old.name)
    const stale = [
      ...staleName('DATABASE_URL', platform.databaseUrlNode(), next),
      ...staleName('Secret PGHOST', platform.secretNode(), next),
    ]
    return {
      done: [`promoted ${next.name}, HAProxy follows`, ...stale].join('; '),
      seen: status => status.clusters.every(({ primary }) => primary === next.name),
    }
  },
}

const sealVault: Scenario = {
  key: 'v',
  name: 'seal Vault',
  async run({ vault }) {
    await vault.up('sealed')
    return { done: 'Vault is sealed', seen: status => has(status, 'vault', targets.vault, 'vault_sealed') }
  },
}

const wrongPassword: Scenario = {
  key: 'p',
  name: 'wrong SMTP password',
  async run({ vault }) {
    await vault.up('active')
    vault.keep(`not-${secrets.smtpPass}`)
    return {
      done: 'Vault serves, but the SMTP_PASS in it is not the one of the relay',
      seen: status => has(status, 'smtp', targets.smtp, 'smtp_auth_failed'),
    }
  },
}

const secondWayOut: Scenario = {
  key: 'e',
  name: 'set up SES',
  run(platform) {
    platform.useSes(true)
    return Promise.resolve({
      done: 'the stub is gone, and the app has keys of SES, which it takes where the relay refuses its mail',
      seen: status => status.checks.some(({ probe, verdict }) => probe === 'ses' && verdict === 'ok'),
    })
  },
}

const hangingSender: Scenario = {
  key: 'o',
  name: 'sender hangs',
  async run({ sender, cluster }) {
    sender.running = false
    // While others were just sent, one old mail would be a matter of its row.
    await sleep(lateAfterMs + 1_000)
    await sender.backlog(await cluster.primary(), 20)
    return {
      done: 'the sender of the app hangs: mail goes into the outbox, and none comes out',
      seen: status => has(status, 'outbox', targets.outbox, 'outbox_stuck'),
    }
  },
}

/** The relay goes on to accept mail: nothing but a mail that is awaited shows it. */
const lostMail: Scenario = {
  key: 'l',
  name: 'lose mail',
  run: platform =>
    deliverAs(platform, 'lost', {
      done: 'the relay accepts mail with 250 and discards it',
      seen: status => has(status, 'canary', targets.canary, 'canary_lost'),
    }),
}

const junkMail: Scenario = {
  key: 'j',
  name: 'mail into junk',
  run: platform =>
    deliverAs(platform, 'junk', {
      done: 'the mailbox takes all mail for spam',
      seen: status => has(status, 'canary', targets.canary, 'canary_in_junk'),
    }),
}

/** The relay goes on to accept mail, and receivers refuse it. A record has to be gone in two looks before that counts. */
const vanishedRecords: Scenario = {
  key: 'd',
  name: 'DNS records vanish',
  run(platform) {
    platform.names.published = false
    return Promise.resolve({
      done: 'the SPF record and the DKIM key of the domain are gone, so large receivers refuse its mail',
      seen: status => has(status, 'dns', targets.dns, 'dns_unauthenticated'),
    })
  },
}

const splitBrain: Scenario = {
  key: 's',
  name: 'split brain',
  async run(platform) {
    const { cluster } = platform
    const [second, primary] = [await promotable(platform), await cluster.primary()]
    if (!second) return nothing('there is no standby that could be promoted')
    await cluster.splitBrain(second.name)
    return {
      done: `promoted ${second.name} while ${primary.name} goes on as a primary`,
      seen: status => status.clusters.every(one => one.split_brain === true),
    }
  },
}

const stuckCommit: Scenario = {
  key: 'c',
  name: 'sync commit stuck',
  async run({ cluster }) {
    await cluster.stickSyncCommit()
    const { name } = await cluster.primary()
    return {
      done: `commits on ${name} wait for a synchronous standby that does not exist`,
      seen: status => status.checks.some(({ reasons }) => reasons.some(one => one.code === 'write_path_commit_stuck')),
    }
  },
}

/** Everything as it should be. */
export const heal: Scenario = {
  key: 'h',
  name: 'heal',
  async run(platform) {
    const { cluster, vault, app } = platform
    await cluster.heal()
    const primary = await followPrimary(platform)
    platform.pointDatabaseUrl(primary)
    vault.keep(secrets.smtpPass)
    await vault.up('active')
    app.deploy({ stub: false })
    platform.sender.running = true
    platform.post.fate = 'delivered'
    platform.names.published = true
    // What a Vault said is shared for a second; a canary that gets no password is tried again only a minute later.
    await sleep(1_500)
    platform.sendCanary()
    return {
      done: `${primary.name} is the one primary, and all names lead to it; Vault serves; the SES stub is gone; the sender runs; mail is delivered; SPF and DKIM are published`,
      seen: status => status.verdict === 'ok',
    }
  },
}

export const scenarios: readonly Scenario[] = [
  incident,
  failover,
  sealVault,
  wrongPassword,
  secondWayOut,
  hangingSender,
  lostMail,
  junkMail,
  vanishedRecords,
  splitBrain,
  stuckCommit,
  heal,
]

const nothing = (why: string): Outcome => ({ done: `nothing was done: ${why}`, seen: undefined })

/** No canary can leave while its password cannot be had: nothing would be seen of its fate. */
function deliverAs(platform: Platform, fate: Platform['post']['fate'], outcome: Outcome): Promise<Outcome> {
  if (platform.vault.smtpPass() !== secrets.smtpPass)
    return Promise.resolve(
      nothing('no canary can leave, since the password of the relay comes out of Vault; heal first (h)'),
    )
  platform.post.fate = fate
  platform.sendCanary()
  return Promise.resolve(outcome)
}

/** The endpoint and the Secret lead to the primary. */
async function followPrimary(platform: Platform): Promise<PostgresNode> {
  const primary = await platform.cluster.primary()
  platform.router.route([primary])
  platform.pointSecret(primary)
  return primary
}

/** A standby, and better one that DATABASE_URL does not name: it would be right by chance. */
async function promotable(platform: Platform): Promise<PostgresNode | undefined> {
  const standbys = await platform.cluster.standbys()
  return standbys.find(node => node !== platform.databaseUrlNode()) ?? standbys[0]
}

const staleName = (what: string, named: PostgresNode | undefined, primary: PostgresNode): string[] =>
  named === undefined || named === primary ? [] : [`${what} still names ${named.name}`]

const has = (status: StatusJson, probe: string, target: string, code: string): boolean =>
  status.checks.some(
    check => check.probe === probe && check.target === target && check.reasons.some(reason => reason.code === code),
  )
