/** `check` in one call: the check of DNS uses what the checks of the relay and of SES find in it. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { rsa2048 } from '../probes/dns/keys.ts'
import { startDnsDouble, type DnsDouble } from '../servers/dns-double.ts'
import { a, cname, mx, ptr, text } from '../servers/dns-records.ts'
import { removeFolder, startProcess, tempFolder } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { accessKeyOf, startSesDouble, verifiedIdentity } from '../servers/ses-double.ts'
import { startSmtp } from '../servers/smtp.ts'

const domain = 'app.example.com'
const key = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const { Tokens: tokens } = verifiedIdentity('DOMAIN')['DkimAttributes'] as { readonly Tokens: readonly string[] }
const [published = '', missing = ''] = tokens

/** One of the two records that SES asks for is there, and the name that the relay greets with leads elsewhere. */
const startDns = (): Promise<DnsDouble> =>
  startDnsDouble({
    [domain]: { records: [text('v=spf1 ip4:192.0.2.1 -all'), mx(10, `mx.${domain}`)] },
    [`mx.${domain}`]: { records: [a('198.51.100.9')] },
    [`_dmarc.${domain}`]: { text: 'v=DMARC1; p=reject; rua=mailto:dmarc@app.example.com' },
    [`${published}._domainkey.${domain}`]: { records: [cname(`${published}.dkim.amazonses.com`)] },
    [`${published}.dkim.amazonses.com`]: {
      records: [text(...(`v=DKIM1; p=${rsa2048}`.match(/.{1,255}/g) ?? []))],
    },
    '1.2.0.192.in-addr.arpa': { records: [ptr(`out.${domain}`)] },
    [`out.${domain}`]: { records: [a('192.0.2.1')] },
    'mail.keybuzz.io': { records: [a('198.51.100.8')] },
  })

let config: object
let close: () => Promise<unknown>
afterAll(() => close())
beforeAll(async () => {
  const [dns, ses, relay] = await Promise.all([
    startDns(),
    startSesDouble({ keys: [key] }),
    startSmtp({ security: 'none' }),
  ])
  config = {
    timeout: '5s',
    smtp: [{ name: 'relay', host: '127.0.0.1', port: relay.port, security: 'none' }],
    ses: [
      {
        ...{ name: 'account', region: 'eu-west-1', from: `app@${domain}`, endpoint: ses.url },
        ...{ access_key: key.id, secret_key: { env: 'SECRET' } },
      },
    ],
    dns: [
      {
        ...{ name: 'app', domain, servers: [`127.0.0.1:${dns.port}`], senders: ['192.0.2.1'] },
        ...{ smtp: 'relay', ses: 'account' },
      },
    ],
  }
  close = () => Promise.all([dns.close(), ses.close(), relay.close()])
})

/** What it prints as JSON. */
interface Checked {
  readonly dns: readonly { readonly records: readonly { record: string; state: string; found: readonly string[] }[] }[]
  readonly actions: readonly { code: string; where: readonly string[]; text: string }[]
}

async function check(...args: readonly string[]): Promise<Checked> {
  const folder = tempFolder('mailpath-check-dns-')
  onTestFinished(() => removeFolder(folder))
  const file = path.join(folder, 'mailpath.yml')
  await writeFile(file, JSON.stringify(config))
  const all = [...program, 'check', `--config.file=${file}`, '--format=json', ...args]
  const running = startProcess('check', process.execPath, all, { env: { ...process.env, SECRET: key.secret } })
  onTestFinished(() => running.stop())
  await running.exited
  return JSON.parse(running.log()) as Checked
}

it('the records that SES asks for, and the name that the relay greets with, are looked up in the same call', async () => {
  const { actions } = await check()
  const textOf = (code: string) => actions.find(one => one.where.includes('dns/app') && one.code === code)?.text
  expect(textOf('dns_ses_token_missing')).toContain(missing)
  expect(textOf('dns_ses_token_missing')).not.toContain(published)
  expect(textOf('dns_hello_invalid')).toContain('mail.keybuzz.io')
})

it('alone it says that they were not asked, and finds no fault in it', async () => {
  const { actions, dns } = await check('--only=dns/app')
  expect(actions).toEqual([])
  const rowOf = (name: string) => dns[0]?.records.find(({ record }) => record === name)
  expect(rowOf('DKIM')).toMatchObject({ state: 'unknown', found: ['ses/account was not asked, or has not answered'] })
  expect(rowOf('HELO')).toMatchObject({
    state: 'unknown',
    found: ['smtp/relay was not asked, or has not named itself'],
  })
})
