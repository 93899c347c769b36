/** A platform of many applications that share one cluster, and one mistake: their DATABASE_URL leads to a standby. */
import { finding, type Probe, type Target, type Verdict } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { canary } from '../../src/probes/canary/index.ts'
import { dns } from '../../src/probes/dns/index.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { packages } from '../../src/probes/packages/index.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { at } from './incident.ts'
import {
  checkOf,
  judged,
  landingOn,
  node,
  observationOf,
  path,
  primaryFacts,
  standbyFacts,
  statusFrom,
  type Looked,
} from './looked.ts'

const [primary, standby] = [primaryFacts(1), standbyFacts(3)]
const nodes = [node('db-1', primary, { at }), node('db-2', standbyFacts(2), { at }), node('db-3', standby, { at })]

/** A check that found that all is well. */
function well<T extends Target, Seen>(probe: Probe<T, Seen>, name: string, evidence: string, more = {}): Looked {
  const target = { name, ...more } as unknown as T
  return {
    check: checkOf(probe, target),
    observation: observationOf(probe.kind, target, finding(evidence, [], []), { at }),
  }
}

/** Fourteen checks of an application: its DATABASE_URL, and all that is well. */
function application(
  name: string,
  isWrong: boolean,
  allWrong: boolean,
): { readonly target: ReturnType<typeof mail.target.parse>; readonly checks: readonly Looked[] } {
  const wrong = path(`${name} DATABASE_URL`, [landingOn(isWrong ? standby : primary)], {
    at,
    address: isWrong ? 'db-3:5432' : 'db-1:5432',
  })
  const ways = ['worker', 'jobs', 'reports'].map(way =>
    path(`${name} ${way}`, [landingOn(allWrong ? standby : primary)], { at }),
  )
  const names = {
    settings: [`${name} settings`, `${name} worker settings`],
    packages: [`${name} packages`],
    smtp: [`${name} relay`, `${name} second relay`],
    outbox: [`${name} mails`],
    dns: [`${name}.example.com`],
    canary: [`${name} to outside`, `${name} to inside`],
  }
  const target = mail.target.parse({
    name,
    write_path: [wrong, ...ways].map(({ check }) => check.target),
    settings: names.settings,
    packages: names.packages,
    smtp: names.smtp,
    outbox: names.outbox,
    dns: names.dns,
    canary: names.canary,
  })
  return {
    target,
    checks: [
      { check: checkOf(mail, target), observation: judged(mail, target, { provider: 'smtp' }, at) },
      wrong,
      ...ways,
      ...names.settings.map(one => well(settings, one, 'all of 12 settings are as expected')),
      ...names.packages.map(one => well(packages, one, 'nodemailer 6.9.8')),
      ...names.smtp.map(one => well(smtp, one, 'relay.example.com:587: logged in as mail@example.com over TLSv1.3')),
      ...names.outbox.map(one => well(outbox, one, 'outbound_emails: no mail waits')),
      ...names.dns.map(one => well(dns, one, 'SPF passes for each sender, 2 of 2 DKIM keys usable, DMARC reject')),
      ...names.canary.map(one => well(canary, one, 'the last arrived in 2.4 s', { smtp: `${name} relay` })),
    ],
  }
}

const number = (i: number): string => `app-${String(i + 1).padStart(2, '0')}`

/** `n` applications of 14 checks each, of which the first few lead to a standby, and three nodes. `all`: by every write path. */
export function crowd(n = 20, wrong = n, { all: allPaths = false } = {}): Status {
  const all = Array.from({ length: n }, (_, i) => application(number(i), i < wrong, allPaths && i < wrong))
  const histories = Object.fromEntries(
    all
      .slice(0, wrong)
      .map(({ target }) => [
        `write_path/${target.name} DATABASE_URL`,
        [...Array<Verdict>(10).fill('ok'), ...Array<Verdict>(40).fill('fail')],
      ]),
  )
  return statusFrom([...nodes, ...all.flatMap(({ checks }) => checks)], {
    mail: all.map(({ target }) => target),
    now: at,
    startedAt: at - 86_400_000,
    histories,
  })
}
