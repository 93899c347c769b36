import { checkStart, environment } from './environment/taken.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import type { Plan } from './assess/assessment.ts'
import { clusterOf } from './assess/nodes.ts'
import { UsageError, parseCommand, type Options } from './cli/parse.ts'
import { bytesReader, fileReader, type ReadFile } from './clients/files.ts'
import { refusalsFile } from './clients/refusals-file.ts'
import { configReader, configTask, loadConfig, type Config } from './config/load.ts'
import { shardOf } from './config/shard.ts'
import { createReferences } from './references/index.ts'
import { answerAside, inPlace, inThread, type Aside } from './core/aside.ts'
import { ConfigError, codeOf, describeError } from './core/errors.ts'
import { createLog, type Logger } from './core/log.ts'
import { checkId, exitCode } from './core/probe.ts'
import { spreadMs } from './monitor/scheduler.ts'
import { shown, shownLines } from './core/shown.ts'
import { version } from './core/version.ts'
import { connectionsFor, descriptorLimit, neededFor } from './monitor/descriptors.ts'
import { followFile } from './config/follow.ts'
import { keepSmall } from './cli/heap.ts'
import { createMonitor } from './monitor/index.ts'
import type { Changes } from './monitor/swap.ts'
import { createNotify } from './cli/systemd.ts'
import { kubernetes } from './probes/kubernetes/index.ts'
import { postgres } from './probes/postgres/index.ts'
import { kubeconfigProblem, kubeconfigTask } from './references/kubeconfig.ts'
import { createLogins, type Logins } from './references/logins.ts'
import { loginKey } from './references/vault.ts'
import { OutputError, runAsProcess, type Kind, type Outcome, type Process } from './cli/process.ts'
import { createReloader } from './config/reload.ts'
import { createSelf } from './monitor/self.ts'
import { audit, auditVerdict } from './report/audit.ts'
import { helpText } from './cli/help.ts'
import { report } from './report/report.ts'
import { limitsFor, usualLimits, type Limits } from './web/limits.ts'
import { loadWebConfig, webConfigTask } from './web/config.ts'
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
      await own.print(shownLines(helpText()))
      return 0
    case 'version':
      await own.print(shown`mailpath-exporter ${version} (node ${process.version})\n`)
      return 0
    case 'check-config': {
      const once = { once: true, signal: own.stop }
      const config = await loadConfig(options.configFile, once)
      const isUsed = config.checks.some(({ probe }) => probe === kubernetes.kind)
      const problem = await kubeconfigProblem((isUsed && config.kubernetes) || {}, own.stop)
      if (problem?.certain) throw new ConfigError(`${config.file}: kubernetes.kubeconfig: ${problem.text}`)
      await own.print(shown`${config.file}: ${config.checks.length} checks, ok\n`)
      if (problem) await own.print(shown`${problem.text}; what is in it was not checked\n`)
      if (options.webConfigFile !== undefined) {
        await loadWebConfig(options.webConfigFile, once)
        await own.print(shown`${options.webConfigFile}: ok\n`)
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

/** What outlives a configuration. */
interface Lasting {
  readonly logins: Logins
  readonly read: ReadFile
  readonly aside: Aside
}

const referencesOf = ({ vaults, kubernetes, checks }: Config, lasting: Lasting) =>
  createReferences({ env: environment, vaults, kubernetes, roundMs: roundMs(checks), ...lasting })

const roundMs = ({ length }: Config['checks']): number => spreadMs(length) + slownessMs

/** With a memory for this user, since each further run with a login that was refused brings Vault nearer to locking it. */
function openLogins(): Logins {
  const uid = process.getuid?.()
  return createLogins(
    uid === undefined ? undefined : refusalsFile(join(tmpdir(), `mailpath-exporter-${String(uid)}`), uid),
  )
}

/** Probes once and prints the audit; the exit code is the verdict. */
async function check(options: Options, { stop, print, columns }: Process): Promise<number> {
  const config = await loadConfig(options.configFile, { once: true, signal: stop })
  const plan = narrowed(config, options.only)
  const logins = openLogins()
  const monitor = createMonitor(
    plan,
    referencesOf(config, { logins, read: fileReader(), aside: inPlace }),
    createLog('error', options.logFormat, () => undefined),
  )
  await monitor.runAll(stop)
  await logins.end(AbortSignal.timeout(revokeMs))
  if (stop.aborted) return exitCode('unknown')
  const status = monitor.status()
  const colour = columns !== undefined && environment['NO_COLOR'] === undefined && environment['TERM'] !== 'dumb'
  const width = Math.min(columns ?? 100, 140)
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
  return { checks, mail: [], partial: others.map(clusterOf) }
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

async function serve(options: Options, { stop, openLog, linesLost, threaded, onHangUp }: Process): Promise<number> {
  const log = openLog(options.logLevel, options.logFormat)
  const bytes = bytesReader()
  // From its sources, which only a developer runs, it has no threads: Node 20 would not load them there.
  const aside = import.meta.filename.endsWith('.ts') ? inPlace : inThread(import.meta.filename)
  const read = configReader(options.configFile, { bytes })
  let whole: Config | undefined
  let mine: Config | undefined
  const load = async (by: Aside): Promise<Config> => {
    const next = await read(by, stop)
    if (next !== whole || !mine) mine = options.shard ? { ...next, ...shardOf(next, options.shard) } : next
    whole = next
    return mine
  }
  // Nothing is held up yet.
  const config = await load(inPlace)
  keepSmall()
  const lasting = { logins: openLogins(), read: fileReader(bytes), aside }
  const { logins } = lasting
  let references = referencesOf(config, lasting)
  const self = createSelf()
  const monitor = createMonitor(config, references, log, self.own)
  const notify = createNotify(environment, log)
  const open: { web?: Web } = {}
  const limits = (): Limits => limitsFor(usualLimits, roomFor(monitor.checks().length, log))
  let current = config
  const apply = (next: Config): Changes => {
    // What was fetched, and is known of Vaults and API servers, stays.
    const fetchedFrom = ({ vaults, kubernetes, checks }: Config) => [vaults, kubernetes, roundMs(checks)]
    if (!isDeepStrictEqual(fetchedFrom(current), fetchedFrom(next))) references = referencesOf(next, lasting)
    current = next
    const changes = monitor.swap(next, references)
    // A reload may come by a request before all places are open.
    open.web?.limit(limits())
    logins.retain(new Set(next.vaults.map(loginKey)))
    return changes
  }
  const reloader = createReloader({ config, load: () => load(aside), apply, log, stop })
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
  const served = {
    monitor,
    configFile: config.file,
    exporter,
    log,
    reload: options.enableLifecycle ? reload : undefined,
  }
  const web = await startWeb({
    served,
    listenAddresses: options.listen,
    file: options.webConfigFile,
    allowedHosts: options.allowedHosts,
    aside,
    bytes,
    threaded,
    stop,
    limits: limits(),
  })
  open.web = web
  log.info({ version, config: config.file, checks: config.checks.length, addresses: web.addresses }, 'listening')
  const following =
    options.autoReloadMs === undefined
      ? undefined
      : followFile(options.configFile, options.autoReloadMs, stop, bytes, reload)
  void notify.ready()
  onHangUp(() => void reload())
  const notifying = Promise.all([notify.run(monitor, stop), self.run(stop)])
  await monitor.run(stop)
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

if (isMainThread) runAsProcess(main, outcomeOf)
else answerAside([configTask, kubeconfigTask, webConfigTask])
