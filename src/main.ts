import { setMaxListeners } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from './assess/assessment.ts'
import { UsageError, parseCommand, type Options } from './cli.ts'
import { refusalsFile } from './clients/refusals-file.ts'
import { loadConfig, type Config } from './config/load.ts'
import { shardOf } from './config/shard.ts'
import { createReferences } from './config/references.ts'
import { ConfigError, describeError } from './core/errors.ts'
import { createLog, type Logger } from './core/log.ts'
import { checkId, exitCode } from './core/probe.ts'
import { spreadMs } from './core/scheduler.ts'
import { version } from './core/version.ts'
import { follow } from './follow.ts'
import { keepSmall } from './heap.ts'
import { createMonitor, type Changes } from './monitor.ts'
import { createNotify } from './notify.ts'
import { kubernetes } from './probes/kubernetes/index.ts'
import { postgres, type PostgresTarget } from './probes/postgres/index.ts'
import { kubeconfigProblem } from './references/kubeconfig.ts'
import { createLogins, type Logins } from './references/logins.ts'
import { loginKey } from './references/vault.ts'
import { createReloader } from './reload.ts'
import { audit, auditVerdict } from './render/audit.ts'
import { helpText } from './render/help.ts'
import { report } from './render/report.ts'
import { createFront } from './web/front.ts'
import { loadWebConfig } from './web/config.ts'
import { startWeb } from './web/web.ts'

// The one place that knows the process: its arguments, environment, signals and exit code.

/** sysexits.h */
const exUsage = 64
const exConfig = 78
const exFailure = 1
/** A check may come to its references so much later than its turn. */
const slownessMs = 500
/** After this long a shutdown no longer waits for what hangs. */
const shutdownMs = 1_500
/** For so long Vaults are asked to end our tokens before the process ends. */
const revokeMs = 700

async function main(): Promise<number> {
  const options = parseCommand(process.argv.slice(2))
  const stop = new AbortController()
  // A listener per check, and one more per run.
  setMaxListeners(0, stop.signal)
  // A check that was cut off found nothing out: it must not exit as if all were well.
  const cutOff = options.command === 'check' ? exitCode('unknown') : 0
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      stop.abort(new Error(signal))
      setTimeout(() => process.exit(process.exitCode ?? cutOff), shutdownMs).unref()
    })
  switch (options.command) {
    case 'help':
      process.stdout.write(helpText())
      return 0
    case 'version':
      process.stdout.write(`mailpath-exporter ${version} (node ${process.version})\n`)
      return 0
    case 'check-config': {
      const config = await loadConfig(options.configFile)
      const isUsed = config.checks.some(({ probe }) => probe === kubernetes.kind)
      const problem = await kubeconfigProblem((isUsed && config.kubernetes) || {}, stop.signal)
      if (problem?.certain) throw new ConfigError(`${config.file}: kubernetes.kubeconfig: ${problem.text}`)
      process.stdout.write(`${config.file}: ${config.checks.length} checks, ok\n`)
      if (problem) process.stdout.write(`${problem.text}; what is in it was not checked\n`)
      if (options.webConfigFile !== undefined) {
        await loadWebConfig(options.webConfigFile, stop.signal)
        process.stdout.write(`${options.webConfigFile}: ok\n`)
      }
      return 0
    }
    case 'check':
      return check(options, stop.signal)
    case 'serve':
      return serve(options, stop.signal)
  }
}

const referencesOf = ({ vaults, kubernetes, checks }: Config, logins: Logins) =>
  createReferences({ env: process.env, vaults, kubernetes, logins, roundMs: spreadMs(checks.length) + slownessMs })

/** With a memory for this user, since each further run with a login that was refused brings Vault nearer to locking it. */
function openLogins(): Logins {
  const uid = process.getuid?.()
  return createLogins(
    uid === undefined ? undefined : refusalsFile(join(tmpdir(), `mailpath-exporter-${String(uid)}`), uid),
  )
}
const logOf = ({ logLevel, logFormat }: Options): Logger =>
  createLog(logLevel, logFormat, line => process.stderr.write(line))

/** Probes once and prints the audit; the exit code is the verdict. */
async function check(options: Options, stop: AbortSignal): Promise<number> {
  const config = await loadConfig(options.configFile)
  const plan = narrowed(config, options.only)
  const logins = openLogins()
  const monitor = createMonitor(
    plan,
    referencesOf(config, logins),
    createLog('error', options.logFormat, () => undefined),
  )
  await monitor.runAll(stop)
  await logins.end(AbortSignal.timeout(revokeMs))
  if (stop.aborted) return exitCode('unknown')
  const status = monitor.status()
  const { isTTY, columns } = process.stdout as { isTTY: boolean | undefined; columns: number | undefined }
  const colour = isTTY === true && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb'
  process.stdout.write(report(audit(status), { format: options.format, colour, width: Math.min(columns ?? 100, 140) }))
  // A name server that does not answer would hold the process up: getaddrinfo(3) cannot be cancelled.
  setTimeout(() => process.exit(), 500).unref()
  return exitCode(auditVerdict(status))
}

/** The checks asked for by `kind/target` or `kind`; without the mail paths, which need them all. */
function narrowed(config: Config, only: readonly string[]): Plan {
  if (only.length === 0) return config
  const wanted = (name: string) => config.checks.filter(one => checkId(one) === name || one.probe === name)
  const nothing = only.find(name => wanted(name).length === 0)
  if (nothing !== undefined)
    throw new UsageError(
      `--only=${nothing}: there is no such target; known are ${config.checks.map(checkId).join(', ')}`,
    )
  const checks = config.checks.filter(one => only.some(name => wanted(name).includes(one)))
  const others = config.checks.filter(one => one.probe === postgres.kind && !checks.includes(one))
  return { checks, mail: [], partial: others.map(one => (one.config as PostgresTarget).cluster) }
}

async function serve(options: Options, stop: AbortSignal): Promise<number> {
  const log = logOf(options)
  const load = async (): Promise<Config> => {
    const whole = await loadConfig(options.configFile)
    return options.shard ? { ...whole, ...shardOf(whole, options.shard) } : whole
  }
  const config = await load()
  keepSmall()
  const logins = openLogins()
  const monitor = createMonitor(config, referencesOf(config, logins), log)
  const notify = createNotify(process.env, log)
  const apply = (next: Config): Changes => {
    const changes = monitor.swap(next, referencesOf(next, logins))
    logins.retain(new Set(next.vaults.map(loginKey)))
    return changes
  }
  const reloader = createReloader(load, apply, log)
  const reload = notify.around(reloader.reload)
  const exporter = () => {
    const { successful, successAt } = reloader.state()
    return { version, nodeVersion: process.version, lastReloadSuccessful: successful, lastReloadSuccessAt: successAt }
  }
  const shown = {
    monitor,
    configFile: config.file,
    exporter,
    log,
    reload: options.enableLifecycle ? reload : undefined,
  }
  const web = await startWeb({
    createListener: (guard, crowd) => createFront(shown, guard, crowd),
    places: options.listen,
    file: options.webConfigFile,
    log,
    stop,
  })
  log.info({ version, config: config.file, checks: config.checks.length, addresses: web.addresses }, 'listening')
  process.on('SIGHUP', () => void reload())
  const following =
    options.autoReloadMs === undefined ? undefined : follow(options.configFile, options.autoReloadMs, stop, reload)
  void notify.ready()
  const notifying = notify.watch(monitor, stop)
  await monitor.watch(stop)
  const told = notify.stopping()
  await Promise.all([following, notifying])
  log.info({ signal: describeError(stop.reason) }, 'stopped')
  await Promise.all([web.close(), told, logins.end(AbortSignal.timeout(revokeMs))])
  return 0
}

void main()
  .catch((error: unknown) => {
    const code = error instanceof UsageError ? exUsage : error instanceof ConfigError ? exConfig : exFailure
    process.stderr.write(
      `${error instanceof ConfigError ? error.message : `mailpath-exporter: ${describeError(error)}`}\n`,
    )
    if (error instanceof UsageError) process.stderr.write('Try mailpath-exporter --help.\n')
    return code
  })
  .then(code => {
    process.exitCode = code
  })
