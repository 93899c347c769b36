/**
 * A relay with the name of one of SES, by a file of hosts that only the exporter sees: it runs in a mount namespace of its own.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { smtpPassword } from '../src/clients/aws/smtp-password.ts'
import { permitted, within } from './clients/names/namespace.ts'
import { removeFolder, startProcess, tempFolder } from './servers/processes.ts'
import { program } from './servers/program.ts'
import { accessKeyOf } from './servers/ses-double.ts'
import { startSmtp } from './servers/smtp.ts'

const host = 'email-smtp.eu-west-1.amazonaws.com'
const key = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const right = smtpPassword(key.secret, 'eu-west-1')

/** Runs `check` over a relay that takes the right password, where the application uses this one. */
async function checkWith(password: string): Promise<{ code: number | null; output: string; logins: number }> {
  const folder = tempFolder('mailpath-region-')
  onTestFinished(() => removeFolder(folder))
  const relay = await startSmtp({ security: 'none', users: { [key.id]: right } })
  onTestFinished(() => relay.close())
  const config = path.join(folder, 'mailpath.yml')
  const sections = {
    timeout: '5s',
    smtp: [{ name: 'relay', host, port: relay.port, security: 'none', user: key.id, password: { env: 'PASS' } }],
    ses: [
      {
        ...{ name: 'account', region: 'eu-west-1', verify: false },
        ...{ access_key: { env: 'KEY' }, secret_key: { env: 'SECRET' } },
      },
    ],
    mail: [{ name: 'app', provider: 'smtp', write_path: [], ses: [] }],
  }
  await writeFile(config, JSON.stringify(sections))
  const check = [process.execPath, ...program, 'check', `--config.file=${config}`, '--format=json']
  const env = { ...process.env, PASS: password, KEY: key.id, SECRET: key.secret }
  const running = startProcess('check', ...within({ hosts: `127.0.0.1 ${host}\n` }, check), { env })
  onTestFinished(() => running.stop())
  return { code: await running.exited, output: running.log(), logins: relay.logins }
}

it.skipIf(!permitted)('a password of SES that was made for another region says so, and is shown nowhere', async () => {
  const wrong = smtpPassword(key.secret, 'eu-central-1')
  const { code, output, logins } = await checkWith(wrong)
  expect(output).toContain('the password was made for eu-central-1, used in eu-west-1')
  expect(output).toContain('"smtp_password_of_other_region"')
  expect(output).not.toContain('smtp_auth_failed')
  for (const secret of [wrong, right, key.secret]) expect(output).not.toContain(secret)
  expect([code, logins]).toEqual([2, 1])
})

it.skipIf(!permitted)('that of its own region is taken', async () => {
  const { output, logins } = await checkWith(right)
  expect(output).not.toContain('smtp_password_of_other_region')
  expect(JSON.parse(output)).toMatchObject({ verdict: 'ok' })
  expect(logins).toBe(1)
})

it.skipIf(!permitted)('one that the secret key does not derive is refused, and no more', async () => {
  const { output } = await checkWith(smtpPassword('another secret key of another account 000', 'eu-central-1'))
  expect(output).toContain('"smtp_auth_failed"')
  expect(output).not.toContain('smtp_password_of_other_region')
})
