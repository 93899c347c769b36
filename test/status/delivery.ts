/** An application with SES beside its relay, and an outbox: a status in which SES said all that it can say. */
import type { Status } from '../../src/monitor/ledger.ts'
import { canary } from '../../src/probes/canary/index.ts'
import type { CanarySeen } from '../../src/probes/canary/seen.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { canarySeen, mailAt, outSince } from './canary.ts'
import { checkOf, judged, landingOn, node, path, primaryFacts, start, statusFrom } from './looked.ts'
import { askedSes } from './ses.ts'

const account = ses.target.parse({
  name: 'backend SES',
  access_key: { env: 'AWS_SES_ACCESS_KEY' },
  secret_key: { env: 'AWS_SES_SECRET_KEY' },
  region: 'eu-west-1',
  from: 'no-reply@keybuzz.io',
  configuration_set: 'transactional',
  recipients: ['canary@example.net'],
})
const table = outbox.target.parse({
  name: 'outbound mail',
  cluster: 'keybuzz',
  url: { env: 'DATABASE_URL' },
  table: 'outbound_emails',
  created: 'created_at',
  pending: 'sent_at is null',
  sent: 'sent_at',
  sending: 'locked_at is not null',
  failed: 'attempts >= 5',
})
const app = mail.target.parse({ name: 'backend', provider: 'ses', fallback: 'none' })

const proof = canary.target.parse({
  name: 'SES to outside',
  ses: 'backend SES',
  from: 'canary@keybuzz.io',
  to: 'canary@box.example.net',
  mailbox: { host: 'imap.example.net', user: 'canary', password: { env: 'CANARY_IMAP' }, folders: ['Lists'] },
  expect: { spf: 'pass', dkim: 'pass', dmarc: 'pass' },
  authserv_id: 'mx.example.net',
})

/** One mail came late, twice, into the junk folder, without TLS and signature; another one is under way. */
function canarySaw(): CanarySeen {
  const plain = mailAt(start - 400_000)
  const arrival = plain.arrival && {
    ...plain.arrival,
    ...{ seconds: 92, seenAt: start - 308_000, folder: 'junk' as const, folderName: 'Junk', copies: 2 },
    headers: {
      authentication: { by: 'mx.example.net', results: { spf: 'pass', dkim: 'fail', dmarc: 'none' } as const },
      ...{ hops: 4, slowestHopSeconds: 71, clearHops: ['mx.example.net'] },
    },
  }
  return canarySeen({
    address: 'email.eu-west-1.amazonaws.com:443',
    handOver: { kind: 'accepted', at: start - 20_000, reply: '200 010201…-000000' },
    mails: [outSince(start - 20_000), { ...plain, arrival }],
    mailbox: { address: 'imap.example.net:993', readAt: start, missing: ['Lists'] },
    counts: {
      ...{ sent: 40, arrived: { inbox: 30, junk: 5, other: 1 }, late: 6, lost: 1, rejected: 2, bounced: 1 },
      ...{ duplicates: 4, leftoversRemoved: 3 },
    },
  })
}

/**
 * Mail leaves by SES, under review, with bounces, much of its quota used and a recipient suppressed; a few mails are late, and
 * a canary finds its way into the junk folder.
 */
export function delivery(): Status {
  const wellFormed = { state: 'well_formed', source: 'env' } as const
  const asked = {
    ...askedSes(
      { enforcement: 'PROBATION', sent24Hours: 42_500 },
      {
        dkim: { enabled: true, status: 'TEMPORARY_FAILURE' },
        mailFrom: { domain: 'bounce.keybuzz.io', status: 'FAILED', behavior: 'USE_DEFAULT_VALUE' },
      },
    ),
    configurationSet: { kind: 'ok', value: { sendingEnabled: true } },
    suppressed: { kind: 'ok', value: [{ index: 0, reason: 'BOUNCE' }] },
    statistics: { kind: 'ok', value: { attempts: 42_500, bounces: 1_700, complaints: 34, rejects: 2 } },
    clockSkewSeconds: -71,
  } as const
  const settings = { access_key: wellFormed, secret_key: wellFormed, region: wellFormed }
  const rows = {
    ...{ pending: 25, oldestPendingSeconds: 412, lastSentSeconds: 8, sending: 3, oldestSendingSeconds: 2, failed: 7 },
    ...{ standby: false, now: start / 1000 },
  }
  const primary = primaryFacts(1)
  const all = [
    node('db-1', primary),
    path('app', [landingOn(primary)]),
    { check: checkOf(ses, account), observation: judged(ses, account, { settings, asked }) },
    { check: checkOf(outbox, table), observation: judged(outbox, table, { address: 'db-1:5432', rows }) },
    { check: checkOf(canary, proof), observation: judged(canary, proof, canarySaw()) },
    { check: checkOf(mail, app), observation: judged(mail, app, { provider: 'ses' }) },
  ]
  return statusFrom(all, { mail: [app] })
}
