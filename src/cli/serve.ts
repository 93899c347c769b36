import { isDeepStrictEqual } from 'node:util'
import { bytesReader, fileReader } from '../clients/files.ts'
import { followFile } from '../config/follow.ts'
import { configReader, type Config } from '../config/load.ts'
import { createReloader } from '../config/reload.ts'
import { shardOf } from '../config/shard.ts'
import { inPlace, inThread } from '../core/aside.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { version } from '../core/version.ts'
import { environment } from '../environment/taken.ts'
import { connectionsFor, descriptorLimit, neededFor } from '../monitor/descriptors.ts'
import { createMonitor } from '../monitor/index.ts'
import { createSelf } from '../monitor/self.ts'
import type { Changes } from '../monitor/swap.ts'
import { loginKey } from '../references/vault.ts'
import { limitsFor, usualLimits, type Limits } from '../web/limits.ts'
import { startWeb, type Web } from '../web/web.ts'
import { keepSmall } from './heap.ts'
import type { Options } from './parse.ts'
import type { Process } from './process.ts'
import { keepState } from './state.ts'
import { openLogins, referencesOf, revokeMs, roundMs } from './references.ts'
import { createNotify } from './systemd.ts'

/** How many connections from outside there is room for beside the checks. Logs it if there is not enough room for the checks. */
function roomFor(checks: number, log: Logger): number {
  const [limit, needed] = [descriptorLimit(), neededFor(checks)]
  if (limit < needed)
    log.warn(
      { limit, needed, checks },
      `the limit of open files is too low: ${limit}, and ${checks} checks need ${needed}; raise it (systemd: LimitNOFILE=${needed}, shell: ulimit -n ${needed}, docker: --ulimit nofile=${needed})`,
    )
  return connectionsFor(limit, checks)
}

/** Runs the checks, and answers requests, until a signal comes. Gives the exit code. */
export async function serve(
  options: Options,
  { stop, openLog, linesLost, threaded, onHangUp }: Process,
): Promise<number> {
  const log = openLog(options.logLevel, options.logFormat)
  const bytes = bytesReader()
  // Node 20 does not load TypeScript in a thread, so a developer who runs the sources has none.
  const aside = import.meta.filename.endsWith('.ts') ? inPlace : inThread(import.meta.filename)
  const partOf = (whole: Config): Config => (options.shard ? { ...whole, ...shardOf(whole, options.shard) } : whole)
  const read = configReader(options.configFile, { bytes, signal: stop }, partOf)
  keepSmall()
  // No check runs yet, so parsing here delays nothing.
  const config = await read(inPlace)
  const lasting = { logins: openLogins(), read: fileReader(bytes), aside }
  const { logins } = lasting
  let references = referencesOf(config, lasting)
  const self = createSelf()
  let current = config
  const kept =
    options.stateFile === undefined ? undefined : await keepState(options.stateFile, log, () => current.checks)
  const monitor = createMonitor(config, references, log, self.own, kept?.past)
  const notify = createNotify(environment, log)
  const open: { web?: Web } = {}
  const limits = (): Limits => limitsFor(usualLimits, roomFor(monitor.checks().length, log))
  const apply = (next: Config): Changes => {
    // While Vaults and API servers are the same, what was fetched of them is kept.
    const fetchedFrom = ({ vaults, kubernetes, checks }: Config) => [vaults, kubernetes, roundMs(checks)]
    if (!isDeepStrictEqual(fetchedFrom(current), fetchedFrom(next))) references = referencesOf(next, lasting)
    current = next
    const changes = monitor.swap(next, references)
    // A request may reload before all places are open.
    open.web?.limit(limits())
    logins.retain(new Set(next.vaults.map(loginKey)))
    return changes
  }
  const reloader = createReloader({
    config,
    load: () => read(aside),
    apply,
    seen: () => monitor.acknowledge(),
    log,
    stop,
  })
  const reload = notify.around(reloader.reload)
  const exporter = () => ({
    version,
    nodeVersion: process.version,
    reload: reloader.state(),
    logLinesDropped: linesLost(),
    stateFile: kept?.state(),
  })
  const served = {
    monitor,
    configFile: config.file,
    exporter,
    log,
    reload: options.enableLifecycle ? reload : undefined,
    routePrefix: options.routePrefix,
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
  const keeping = kept?.run(() => monitor.past(), stop)
  await monitor.run(stop)
  const notified = notify.stopping()
  await keeping
  await Promise.all([following, notifying])
  log.info({ signal: describeError(stop.reason) }, 'stopped')
  await Promise.all([web.close(), notified, logins.end(AbortSignal.timeout(revokeMs))])
  return 0
}
