/**
 * The least that one could write with the packages of the exporter: the same targets are looked at with the same logins,
 * statements and requests, at the same interval, and it says of each whether that went well. There are no verdicts, no
 * deadlines, nothing is woken early and nothing blotted out. Run it with `node plain.cjs <configuration in JSON> <port>`; the
 * configuration also has the `statements` of the exporter.
 */
'use strict'
const { readFileSync } = require('node:fs')
const { readFile } = require('node:fs/promises')
const path = require('node:path')
const express = require('express')
const nodeVault = require('node-vault')
const SMTPConnection = require('nodemailer/lib/smtp-connection')
const pg = require('pg')
const prometheus = require('prom-client')

const [, , configFile, port] = process.argv
const config = JSON.parse(readFileSync(configFile, 'utf8'))
const intervalMs = Number.parseInt(config.interval) * 1000

const labelNames = ['probe', 'target']
const up = new prometheus.Gauge({ name: 'plain_up', help: 'Whether the last look went well.', labelNames })
const looked = new prometheus.Counter({ name: 'plain_looks_total', help: 'Looks so far.', labelNames })
const duration = new prometheus.Gauge({ name: 'plain_duration_seconds', help: 'How long it took.', labelNames })
prometheus.collectDefaultMetrics()

async function valueOf({ env, dotenv, key, vault: secret }) {
  if (env) return process.env[env]
  if (dotenv) return (await settingsIn(dotenv))[key]
  const answer = await (await openVault(config.vault.find(one => one.name === secret.target))).read(secret.path)
  return answer.data.data[secret.key]
}

const settingsIn = async file =>
  Object.fromEntries((await readFile(file, 'utf8')).split('\n').map(line => line.split(/=(.*)/).slice(0, 2)))

const openVault = async ({ url, token }) => nodeVault({ endpoint: url, token: await valueOf(token) })

async function session({ url, password }, statements) {
  const login = new URL(url)
  login.password = await valueOf(password)
  const client = new pg.Client({ connectionString: login.href })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

async function mailSession({ host, port, ca_file, user, password }) {
  const [ca, pass] = await Promise.all([readFile(ca_file), valueOf(password)])
  const connection = new SMTPConnection({ host, port, requireTLS: true, tls: { ca } })
  try {
    await new Promise((resolve, reject) => {
      const next = go => error => (error ? reject(error) : go())
      connection.on('error', reject)
      connection.on('end', resolve)
      connection.connect(
        next(() =>
          connection.login(
            { user, pass },
            next(() => connection.quit()),
          ),
        ),
      )
    })
  } finally {
    connection.close()
  }
}

const looks = {
  postgres: target => session(target, config.statements.postgres),
  write_path: target => session(target, config.statements.write_path),
  smtp: mailSession,
  async vault(target) {
    const client = await openVault(target)
    await client.health()
    await client.tokenLookupSelf()
    for (const { path } of target.secrets) await client.read(path)
  },
  async settings({ from, expect }) {
    const settings = await settingsIn(from.dotenv)
    if (!Object.keys(expect).every(key => settings[key])) throw new Error('a setting is missing')
  },
  async packages({ folder, require: names }) {
    for (const name of names)
      JSON.parse(await readFile(path.join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  },
  async drift({ sources }) {
    const values = await Promise.all(Object.values(sources).map(valueOf))
    if (new Set(values).size > 1) throw new Error('the sources differ')
  },
  // What it needs is looked at by the others.
  async mail() {},
}

function repeat(probe, target) {
  let busy = false
  const look = async () => {
    if (busy) return
    busy = true
    const from = performance.now()
    let ok = 1
    try {
      await looks[probe](target)
    } catch (error) {
      ok = 0
      console.error(probe, target.name, error.message)
    }
    looked.inc({ probe, target: target.name })
    up.set({ probe, target: target.name }, ok)
    duration.set({ probe, target: target.name }, (performance.now() - from) / 1000)
    busy = false
  }
  const begin = () => {
    look()
    setInterval(look, intervalMs)
  }
  setTimeout(begin, Math.random() * intervalMs)
}

for (const probe of Object.keys(looks)) for (const target of config[probe]) repeat(probe, target)

const app = express()
app.get('/metrics', async (_request, response) => {
  response.set('Content-Type', prometheus.register.contentType)
  response.end(await prometheus.register.metrics())
})
app.listen(Number(port), '127.0.0.1')
