/**
 * The least that one could write with the packages of the exporter: the same targets are looked at with the same logins,
 * statements and requests, at the same interval, and it says of each whether that went well. There are no verdicts, no
 * deadlines, nothing is woken early and nothing blotted out. Run it with `node plain.cjs <configuration in JSON> <port>`.
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
const duration = new prometheus.Gauge({ name: 'plain_duration_seconds', help: 'How long it took.', labelNames })
prometheus.collectDefaultMetrics()

// What the exporter asks of a node, and what its write path says where a write goes through.
const node = `
select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on' as read_only,
  case when current_setting('default_transaction_read_only')::bool then
    (select source from pg_show_all_settings() where name = 'default_transaction_read_only') end as read_only_source,
  current_setting('server_version') as version, host(inet_server_addr()), inet_server_port(),
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as started,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::float8 as lsn,
  case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as timeline,
  receiver.pid is not null as receiver_running, receiver.status, receiver.received_tli, receiver.sender_host, receiver.sender_port,
  extract(epoch from clock_timestamp() - receiver.last_msg_receipt_time)::float8 as silent,
  pg_wal_lsn_diff(receiver.latest_end_lsn, pg_last_wal_replay_lsn())::float8 as lag,
  extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as last_replay,
  case when pg_is_in_recovery() then pg_is_wal_replay_paused() end as replay_paused,
  (select sum(pg_stat_get_db_numbackends(oid)) from pg_database)::int as connections,
  current_setting('max_connections')::int as max_connections,
  current_setting('synchronous_standby_names') <> '' as synchronous, pg_has_role(current_user, 'pg_monitor', 'usage') as monitor,
  (select count(*) from pg_stat_get_wal_senders() where sync_state in ('sync', 'quorum'))::int as sync_standbys
from (select 1) as one left join pg_stat_get_wal_receiver() as receiver on receiver.pid is not null`
const landing = `
select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on' as read_only,
  case when current_setting('default_transaction_read_only')::bool then
    (select source from pg_show_all_settings() where name = 'default_transaction_read_only') end as read_only_source,
  host(inet_server_addr()), inet_server_port(),
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as started,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as timeline, pg_backend_pid(),
  (select extract(epoch from clock_timestamp() - backend_start)::float8 from pg_stat_get_activity(pg_backend_pid())) as age`
const xid = `begin; select pg_current_xact_id(); set local work_mem = '64kB'; set local temp_tablespaces = '';
select count(*) from generate_series(1, 10000); rollback`
const commit = `begin; set local lock_timeout = 3000; select pg_advisory_xact_lock(${0x6d61696c});
select pg_logical_emit_message(true, 'mailpath', ''); commit`

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
  postgres: target => session(target, [node]),
  write_path: target => session(target, [landing, xid, commit]),
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
