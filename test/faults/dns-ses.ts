/** SES signs by records that it asks for (Easy DKIM): which of them is missing, as SES itself does not say. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { verifiedIdentity } from '../servers/ses-double.ts'
import { domain, keys as dkimKeys, rsaKey, type Records } from './dns-records.ts'
import { held, publish, startDnsStage, times, warns, withoutNsd, type DnsStage } from './dns-stage.ts'
import type { Area, Fault } from './fault.ts'
import { createSes, keys, sender, type SesService } from './ses-service.ts'
import { mailPath } from './smtp-stage.ts'

interface SesDnsStage extends DnsStage {
  readonly ses: SesService
}

const [first, second] = tokensOf(verifiedIdentity('DOMAIN'))
const nameOf = (token: string): string => `${token}._domainkey.${domain} CNAME`
const records: Records = {
  '*.dkim.amazonses.com TXT': [rsaKey(dkimKeys.good)],
  [nameOf(first)]: [`${first}.dkim.amazonses.com.`],
  [nameOf(second)]: [`${second}.dkim.amazonses.com.`],
}

function tokensOf(identity: Record<string, unknown>): readonly [string, string] {
  const { Tokens } = identity['DkimAttributes'] as { readonly Tokens: readonly [string, string] }
  return Tokens
}

async function start(): Promise<SesDnsStage> {
  const stage = await startDnsStage({ more: 'ses: app', records })()
  const { ca, good } = await certificates()
  const folder = tempFolder('mailpath-dns-ses-')
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, ca)
  const ses = await createSes()
  await ses.restart(good)
  stage.env['SES_SECRET_KEY'] = keys.app.secret
  return {
    ...stage,
    ses,
    secrets: [keys.app.secret],
    config: stage.config.replace(
      mailPath,
      `ses:
  - name: app
    access_key: ${keys.app.id}
    secret_key: { env: SES_SECRET_KEY }
    region: eu-west-1
    from: ${sender.address}
    endpoint: https://127.0.0.1:${ses.port}
    ca_file: ${caFile}
    implemented: true
    interval: ${times.intervalMs}ms
mail:
  - { name: app, write_path: [], provider: ses, fallback: none }`,
    ),
    async heal() {
      await ses.restart(good)
      await stage.heal()
    },
    async stop() {
      await ses.swap()
      await stage.stop()
      await removeFolder(folder)
    },
  }
}

/** What SES makes of a record that it no longer finds. */
function lose({ ses }: SesDnsStage, status: string): void {
  const identity = ses.double.identities[sender.domain]
  if (identity) identity['DkimAttributes'] = { ...(identity['DkimAttributes'] as object), Status: status }
}

const missing = warns('ses_token_missing')
/** It is the name itself that is asked for, and for its text first. */
const gone = (token: string): Records => ({ [nameOf(token)]: [], [nameOf(token).replace('CNAME', 'TXT')]: [] })

const rows: readonly Omit<Fault<SesDnsStage>, 'skip'>[] = [
  { name: 'DNS and SES: one record of Easy DKIM is gone', inject: stage => publish(stage, gone(first)), seen: missing },
  {
    name: 'DNS and SES: a record of Easy DKIM leads to another region',
    inject: stage => publish(stage, { [nameOf(second)]: [`${first}.dkim.amazonses.com.`] }),
    seen: missing,
  },
  {
    name: 'DNS and SES: a record is gone, and SES stops signing',
    async inject(stage) {
      lose(stage, 'TEMPORARY_FAILURE')
      await publish(stage, gone(first))
    },
    seen: {
      ...missing,
      reasons: [held('ses_token_missing'), 'ses/app ses_dkim_failing'],
      because: { 'ses/app ses_dkim_failing': 'dns/app' },
    },
  },
  {
    name: 'DNS and SES: SES says that DKIM fails, and the records are there',
    inject(stage) {
      lose(stage, 'TEMPORARY_FAILURE')
      return Promise.resolve()
    },
    seen: { verdict: 'warn', reasons: ['ses/app ses_dkim_failing'], not: [held('ses_token_missing')] },
  },
  {
    name: 'DNS and SES: a record is gone, and sending is paused',
    async inject(stage) {
      stage.ses.double.account['SendingEnabled'] = false
      await publish(stage, gone(first))
    },
    seen: { verdict: 'fail', root: 'ses/app ses_sending_paused', reasons: [held('ses_token_missing')] },
  },
]

export const dnsSesArea: Area<SesDnsStage> = {
  name: 'DNS and SES',
  start,
  faults: rows.map(row => ({ ...row, skip: withoutNsd })),
  times,
}
