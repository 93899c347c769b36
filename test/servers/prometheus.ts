/** A real Prometheus, that scrapes, evaluates rules and answers queries. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  untilListening,
  waitFor,
  type RunningProcess,
} from './processes.ts'

export const prometheusInstall = 'apt-get install prometheus'
/** PROMETHEUS_BIN is the path of another one than that which is installed. */
export const prometheusBinary = (): string | undefined => process.env['PROMETHEUS_BIN'] ?? have('prometheus')

interface PrometheusOptions {
  /** What is scraped: `host:port`, by job. */
  readonly scrape: Readonly<Record<string, readonly string[]>>
  /** How often it scrapes and evaluates rules, as Prometheus writes durations. */
  readonly interval?: string
  /** Files of recording and alerting rules: absolute paths, a pattern in the last part. */
  readonly ruleFiles?: readonly string[]
  /** Port of an Alertmanager on this machine, for alerts to be sent to. */
  readonly alertmanagerPort?: number
  /** How often an alert that goes on is sent again; what fired before the Alertmanager was known is lost until then. */
  readonly resendDelay?: string
}

/** A series of a result. An instant query has `value`, a range query `values`: `[seconds since the epoch, value]`. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string]
  readonly values?: readonly (readonly [number, string])[]
}

/** Times are in seconds, since the epoch where they are points in time. */
interface Range {
  readonly start: number
  readonly end: number
  readonly step: number
}

export interface Prometheus {
  readonly url: string
  readonly process: RunningProcess
  /** The data of an answer of `/api/v1/…`. Throws with what Prometheus says where it refuses. */
  api(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>
  /** The value of a PromQL expression now; throws where the result is no vector. */
  query(expr: string): Promise<readonly Series[]>
  queryRange(expr: string, range: Range): Promise<readonly Series[]>
  stop(): Promise<void>
}

const host = '127.0.0.1'

/** JSON is YAML. */
const configuration = ({ scrape, interval = '500ms', ruleFiles = [], alertmanagerPort }: PrometheusOptions): string =>
  JSON.stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    scrape_configs: Object.entries(scrape).map(([job, targets]) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
    rule_files: ruleFiles,
    ...(alertmanagerPort !== undefined && {
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`${host}:${alertmanagerPort}`] }] }] },
    }),
  })

/** Starts it with an empty database, and waits until it answers queries. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const binary = prometheusBinary()
  if (binary === undefined) throw new Error(`prometheus is not installed: ${prometheusInstall}`)
  const folder = tempFolder('mailpath-prometheus-')
  const port = await freePort()
  const configFile = path.join(folder, 'prometheus.yml')
  await writeFile(configFile, configuration(options))
  const args = [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${path.join(folder, 'data')}`,
    `--web.listen-address=${host}:${port}`,
    ...(options.resendDelay === undefined ? [] : [`--rules.alert.resend-delay=${options.resendDelay}`]),
  ]
  const running = startProcess('prometheus', binary, args, { cwd: folder, logFile: path.join(folder, 'log') })
  await untilListening(running, port)
  const url = `http://${host}:${port}`
  await waitFor(async () => (await fetch(`${url}/-/ready`)).ok, { what: 'Prometheus is ready', timeoutMs: 10_000 })

  const api: Prometheus['api'] = async (endpoint, parameters = {}) => {
    const response = await fetch(`${url}/api/v1/${endpoint}?${String(new URLSearchParams(parameters))}`)
    const answer = (await response.json()) as { readonly data?: unknown; readonly error?: string }
    if (answer.error !== undefined) throw new Error(`${endpoint} ${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }
  const result = async (endpoint: string, parameters: Readonly<Record<string, string>>): Promise<readonly Series[]> => {
    const data = (await api(endpoint, parameters)) as { readonly resultType: string; readonly result: Series[] }
    if (data.resultType !== 'vector' && data.resultType !== 'matrix')
      throw new Error(`${parameters['query'] ?? ''}: its result is a ${data.resultType}`)
    return data.result
  }
  return {
    url,
    process: running,
    api,
    query: expr => result('query', { query: expr }),
    queryRange: (expr, { start, end, step }) =>
      result('query_range', { query: expr, start: String(start), end: String(end), step: String(step) }),
    stop: async () => {
      await running.stop()
      await removeFolder(folder)
    },
  }
}
