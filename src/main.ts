import { checkStart, environment } from './environment/taken.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import type { Plan } from './assess/assessment.ts'
import { UsageError, parseCommand, type Options } from './cli.ts'
import { refusalsFile } from './clients/refusals-file.ts'
import { loadConfig, type Config } from './config/load.ts'
import { shardOf } from './config/shard.ts'
import { createReferences } from './config/references.ts'
import { ConfigError, codeOf, describeError } from './core/errors.ts'
import { createLog } from './core/log.ts'
import type { Logger } from './core/log.ts'
import { checkId, exitCode } from './core/probe.ts'
import { spreadMs } from './core/scheduler.ts'
import { version } from './core/version.ts'
import { connectionsFor, descriptorLimit, neededFor } from './descriptors.ts'
import { follow } from './follow.ts'
import { keepSmall } from './heap.ts'
import { createMonitor, type Changes } from './monitor.ts'
import { createNotify } from './notify.ts'
import { kubernetes } from './probes/kubernetes/index.ts'
import { postgres, type PostgresTarget } from './probes/postgres/index.ts'
import { kubeconfigProblem } from './references/kubeconfig.ts'
import { createLogins, type Logins } from './references/logins.ts'
import { loginKey } from './references/vault.ts'
import { OutputError, runAsProcess, type Kind, type Outcome, type Process } from './process.ts'
import { createReloader } from './reload.ts'
import { createSelf } from './self.ts'
import { audit, auditVerdict } from './render/audit.ts'
import { helpText } from './render/help.ts'
import { report } from './render/report.ts'
import { createFront } from './web/front.ts'
import { usualLimits, type Limits } from './web/answering.ts'
import { loadWebConfig } from './web/config.ts'
import { startWeb, type Web } from './web/web.ts'

// The commands, with the arguments and the environment of the process; process.ts has its signals and streams.

/** sysexits.h */
const exUsage = 64
const exOutput = 74
const exConfig = 78
const exFailure = 1
/** A check may come to its references so much later than its turn. */
const slownessMs = 500
/** For so long Vaults are asked to end our tokens before the process ends. */
const revokeMs = 700

async function main(own: Process): Promise<number> {
  const options = parseCommand(process.argv.slice(2), environment)
  own.is(kindOf(options))
  if (options.command !== 'help' && options.command !== 'version') checkStart()
  switch (options.command) {
    case 'help':
      await own.print(helpText())
      return 0
    case 'version':
      await own.print(`mailpath-exporter ${version} (node ${process.version})\n`)
      return 0
    case 'check-config': {
      const config = await loadConfig(options.configFile)
      const isUsed = config.checks.some(({ probe }) => probe === kubernetes.kind)
      const problem = await kubeconfigProblem((isUsed && config.kubernetes) || {}, own.stop)
      if (problem?.certain) throw new ConfigError(`${config.file}: kubernetes.kubeconfig: ${problem.text}`)
      await own.print(`${config.file}: ${config.checks.length} checks, ok\n`)
      if (problem) await own.print(`${problem.text}; what is in it was not checked\n`)
      if (options.webConfigFile !== undefined) {
        await loadWebConfig(options.webConfigFile, own.stop)
        await own.print(`${options.webConfigFile}: ok\n`)
      }
      return 0
    }
    case 'check':
      return check(options, own)
    case 'serve':
      return serve(options, own)
  }
}

/** A check that could not say what it found has found nothing out: 0 would say that all is well, and 1 a warning. */
function kindOf({ command }: Options): Kind {
  const unknown = exitCode('unknown')
  if (command === 'check') return { cutOff: unknown, unforeseen: unknown, isDaemon: false }
  const isDaemon = command === 'serve'
  return { cutOff: isDaemon ? 0 : exFailure, unforeseen: exFailure, isDaemon }
}

const referencesOf = ({ vaults, kubernetes, checks }: Config, logins: Logins) =>
  createReferences({ env: environment, vaults, kubernetes, logins, roundMs: spreadMs(checks.length) + slownessMs })

/** With a memory for this user, since each further run with a login that was refused brings Vault nearer to locking it. */
function openLogins(): Logins {
  const uid = process.getuid?.()
  return createLogins(
    uid === undefined ? undefined : refusalsFile(join(tmpdir(), `mailpath-exporter-${String(uid)}`), uid),
  )
}

/** Probes once and prints the audit; the exit code is the verdict. */
async function check(options: Options, { stop, print }: Process): Promise<number> {
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
  const isTerminal = isatty(1)
  const colour = isTerminal && environment['NO_COLOR'] === undefined && environment['TERM'] !== 'dumb'
  const width = Math.min((isTerminal && process.stdout.columns) || 100, 140)
  await print(report(audit(status), { format: options.format, colour, width }))
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

/** How many connections from outside there is room for beside the checks. Says so where there is hardly room for these. */
function roomFor(checks: number, log: Logger): number {
  const [limit, needed] = [descriptorLimit(), neededFor(checks)]
  if (limit < needed)
    log.warn(
      { limit, needed, checks },
      `the limit of open files is too low: ${limit}, and ${checks} checks need ${needed}; raise it (systemd: LimitNOFILE=${needed}, shell: ulimit -n ${needed}, docker: --ulimit nofile=${needed})`,
    )
  return connectionsFor(limit, checks)
}

async function serve(options: Options, { stop, openLog, linesLost, onHangUp }: Process): Promise<number> {
  const log = openLog(options.logLevel, options.logFormat)
  const load = async (): Promise<Config> => {
    const whole = await loadConfig(options.configFile)
    return options.shard ? { ...whole, ...shardOf(whole, options.shard) } : whole
  }
  const config = await load()
  keepSmall()
  const logins = openLogins()
  const self = createSelf()
  const monitor = createMonitor(config, referencesOf(config, logins), log, self.own)
  const notify = createNotify(environment, log)
  const open: { web?: Web } = {}
  const limits = (): Limits => ({ ...usualLimits, maxConnections: roomFor(monitor.checks().length, log) })
  const apply = (next: Config): Changes => {
    const changes = monitor.swap(next, referencesOf(next, logins))
    // A reload may come by a request before all places are open.
    open.web?.limit(limits())
    logins.retain(new Set(next.vaults.map(loginKey)))
    return changes
  }
  const reloader = createReloader(load, apply, log)
  const reload = notify.around(reloader.reload)
  const exporter = () => {
    const { successful, successAt } = reloader.state()
    return {
      version,
      nodeVersion: process.version,
      lastReloadSuccessful: successful,
      lastReloadSuccessAt: successAt,
      logLinesDropped: linesLost(),
    }
  }
  const shown = {
    monitor,
    configFile: config.file,
    exporter,
    log,
    reload: options.enableLifecycle ? reload : undefined,
  }
  const web = await startWeb({
    createListener: guard => createFront(shown, guard),
    places: options.listen,
    file: options.webConfigFile,
    allowedHosts: options.allowedHosts,
    log,
    stop,
    limits: limits(),
  })
  open.web = web
  log.info({ version, config: config.file, checks: config.checks.length, addresses: web.addresses }, 'listening')
  const following =
    options.autoReloadMs === undefined ? undefined : follow(options.configFile, options.autoReloadMs, stop, reload)
  void notify.ready()
  onHangUp(() => void reload())
  const notifying = Promise.all([notify.watch(monitor, stop), self.watch(stop)])
  await monitor.watch(stop)
  const told = notify.stopping()
  await Promise.all([following, notifying])
  log.info({ signal: describeError(stop.reason) }, 'stopped')
  await Promise.all([web.close(), told, logins.end(AbortSignal.timeout(revokeMs))])
  return 0
}

function outcomeOf(error: unknown, { unforeseen }: Kind): Outcome {
  if (error instanceof ConfigError) return { code: exConfig, text: error.message }
  const text = `mailpath-exporter: ${describeError(error)}`
  if (error instanceof UsageError) return { code: exUsage, text: `${text}\nTry mailpath-exporter --help.` }
  if (!(error instanceof OutputError)) return { code: unforeseen, text }
  // The reader has all that it wanted, as `head`.
  return { code: unforeseen === exFailure ? exOutput : unforeseen, text: codeOf(error) === 'EPIPE' ? '' : text }
}

runAsProcess(main, outcomeOf)
