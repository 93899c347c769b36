import type { Plan } from '../assess/assessment.ts'
import { clusterOf } from '../assess/nodes.ts'
import { fileReader } from '../clients/files.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { inPlace } from '../core/aside.ts'
import { ConfigError } from '../core/errors.ts'
import { createLog } from '../core/log.ts'
import { checkId, exitCode } from '../core/probe.ts'
import { shown } from '../core/shown.ts'
import { environment } from '../environment/taken.ts'
import { emptyHistory } from '../history/history.ts'
import { createMonitor } from '../monitor/index.ts'
import { kubernetes } from '../probes/kubernetes/index.ts'
import { patroni } from '../probes/patroni/index.ts'
import { postgres } from '../probes/postgres/index.ts'
import { kubeconfigProblem } from '../references/kubeconfig.ts'
import { auditVerdict } from '../report/audit.ts'
import { report } from '../report/report.ts'
import { transcriptsText } from '../report/transcripts.ts'
import { loadWebConfig } from '../web/config.ts'
import { UsageError, type Options } from './parse.ts'
import type { Process } from './process.ts'
import { openLogins, referencesOf, revokeMs } from './references.ts'
import { widthOf } from './width.ts'

/** Probes once and prints the audit; the exit code is the verdict. */
export async function check(options: Options, { stop, print, columns }: Process): Promise<number> {
  const config = await loadConfig(options.configFile, { once: true, signal: stop })
  const plan = narrowed(config, options.only)
  const logins = openLogins()
  const monitor = createMonitor(
    plan,
    referencesOf(config, { logins, read: fileReader(), aside: inPlace }),
    createLog('error', options.logFormat, () => undefined),
  )
  const runs = await monitor.runAll(stop)
  await logins.end(AbortSignal.timeout(revokeMs))
  if (stop.aborted) return exitCode('unknown')
  const status = monitor.status()
  const colour = columns !== undefined && environment['NO_COLOR'] === undefined && environment['TERM'] !== 'dumb'
  // It has looked only once, so it does not know since when anything is so.
  await print(
    report(
      { ...status, history: emptyHistory },
      { format: options.format, colour, width: widthOf(environment['COLUMNS'], columns) },
    ),
  )
  if (options.debug) await print(transcriptsText(runs))
  return exitCode(auditVerdict(status))
}

/** The plan with only the checks named by `--only`, as `kind/target` or `kind`. Mail paths need all checks, so there are none. */
function narrowed(config: Config, only: readonly string[]): Plan {
  if (only.length === 0) return config
  const wanted = (name: string) => config.checks.filter(one => checkId(one) === name || one.probe === name)
  const nothing = only.find(name => wanted(name).length === 0)
  if (nothing !== undefined)
    throw new UsageError(
      `--only=${nothing}: there is no such target; known are ${config.checks.map(checkId).join(', ')}`,
    )
  const checks = config.checks.filter(one => only.some(name => wanted(name).includes(one)))
  const ofClusters: readonly string[] = [postgres.kind, patroni.kind]
  const others = config.checks.filter(one => ofClusters.includes(one.probe) && !checks.includes(one))
  return { checks, mail: [], partial: others.map(clusterOf) }
}

/** Checks the configuration files, and runs no check. Gives the exit code. */
export async function checkConfig(options: Options, { stop, print }: Process): Promise<number> {
  const once = { once: true, signal: stop }
  const config = await loadConfig(options.configFile, once)
  const isUsed = config.checks.some(({ probe }) => probe === kubernetes.kind)
  const problem = await kubeconfigProblem((isUsed && config.kubernetes) || {}, stop)
  if (problem?.certain) throw new ConfigError(`${config.file}: kubernetes.kubeconfig: ${problem.text}`)
  await print(shown`${config.file}: ${config.checks.length} checks, ok\n`)
  if (problem) await print(shown`${problem.text}; what is in it was not checked\n`)
  if (options.webConfigFile !== undefined) {
    await loadWebConfig(options.webConfigFile, once)
    await print(shown`${options.webConfigFile}: ok\n`)
  }
  return 0
}
