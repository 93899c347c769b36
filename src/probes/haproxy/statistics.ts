import { oneLine } from '../../core/errors.ts'

/** https://docs.haproxy.org/2.6/management.html#9.1 (status) */
export const serverStatuses = ['UP', 'DOWN', 'MAINT', 'DRAIN', 'NOLB'] as const
export type ServerStatus = (typeof serverStatuses)[number]

/** Results of a health check, as in `check_statuses` of HAProxy's src/check.c. */
export const checkStatuses = [
  'UNK',
  'INI',
  'CHECKED',
  'HANA',
  'SOCKERR',
  'L4OK',
  'L4TOUT',
  'L4CON',
  'L6OK',
  'L6TOUT',
  'L6RSP',
  'L7OK',
  'L7OKC',
  'L7TOUT',
  'L7RSP',
  'L7STS',
  'PROCERR',
  'PROCTOUT',
  'PROCOK',
] as const
export type CheckStatus = (typeof checkStatuses)[number]

/** A server of a backend. */
export interface HaproxyServer {
  readonly proxy: string
  readonly server: string
  /** Undefined for a word that is not known. A server without checks is UP. */
  readonly status: ServerStatus | undefined
  /** The checks that a change takes, while one is under way: UP on its way to DOWN, or DOWN on its way to UP. */
  readonly changing: Changing | undefined
  readonly checkStatus: CheckStatus | undefined
  /** Of the last check: the HTTP status, or the exit code. Undefined while the next check is under way. */
  readonly checkCode: number | undefined
  /** With 0 it gets no new sessions. */
  readonly weight: number | undefined
  /** It gets sessions only while no other server takes any. Undefined where HAProxy does not say it. */
  readonly backup: boolean | undefined
  readonly sessions: number | undefined
  /** When it last went up or down, in milliseconds since the epoch. */
  readonly lastChangeAt: number | undefined
  /** `address` and `port`, where HAProxy says them. */
  readonly address: string | undefined
  readonly port: number | undefined
  /** The name that its address was looked up from (`show servers state`). */
  readonly host: string | undefined
}

/**
 * As in `DOWN 1/2`: one good check of the two it takes to go up (`rise`). As in `UP 2/3`: two more bad checks, of three
 * (`fall`), and it is down.
 */
interface Changing {
  readonly at: number
  readonly of: number
}

/** What the statistics of a HAProxy say. */
export interface Statistics {
  readonly servers: readonly HaproxyServer[]
  /** The names of the proxies that have servers, or could have some. */
  readonly proxies: readonly string[]
}

/**
 * Reads statistics as metrics, as CSV, or as the runtime API answers to `show stat` and `show servers state`. `at`: when
 * they came, in milliseconds since the epoch. Undefined for anything else. Pure, in time linear to the text.
 */
export const readStatistics = (text: string, at: number): Statistics | undefined =>
  metricLine.test(text) ? ofMetrics(text, at) : ofTables(text.split(/\r?\n/).filter(isShort), at)

/** No honest line is longer, and an expression takes its time for a long one. */
const isShort = (line: string): boolean => line.length < 16_384

/**
 * The series of a server that are read. From 2.4 on a status is a set of series with a label `state`.
 * https://github.com/haproxy/haproxy/blob/master/addons/promex/README
 */
export const serverMetrics = [
  'haproxy_server_status',
  'haproxy_server_current_sessions',
  'haproxy_server_check_status',
  'haproxy_server_check_code',
  'haproxy_server_check_last_change_seconds',
  'haproxy_server_weight',
] as const
/** Those of a backend: how many of its servers could take sessions, without and with `backup`. */
export const backendMetrics = ['haproxy_backend_active_servers', 'haproxy_backend_backup_servers'] as const

const metricLine = /^haproxy_server_status\{[^\n}]*state="/m
const series = [...serverMetrics, ...backendMetrics].join('|')
const seriesLine = new RegExp(`^(${series})\\{([^\\n}]{0,4096})\\} (\\d+)`, 'gm')
const label = /(?:^|,)(\w+)="((?:[^"\\]|\\.)*)"/g

interface Draft {
  readonly proxy: string
  readonly server: string
  readonly values: Map<string, string>
}

function ofMetrics(text: string, at: number): Statistics {
  const drafts = new Map<string, Draft>()
  const counts = new Map<string, number>()
  for (const [, metric = '', labels = '', value = ''] of text.matchAll(seriesLine)) {
    const given = new Map([...labels.matchAll(label)].map(([, name = '', of = '']) => [name, of]))
    const [proxy, server, state] = [given.get('proxy'), given.get('server'), given.get('state')]
    if (proxy !== undefined && server === undefined) counts.set(`${metric} ${proxy}`, Number(value))
    // Of the states of a set, the one that holds.
    if (proxy === undefined || server === undefined || (state !== undefined && Number(value) !== 1)) continue
    const key = JSON.stringify([proxy, server])
    const draft = drafts.get(key) ?? { proxy, server, values: new Map<string, string>() }
    drafts.set(key, draft)
    draft.values.set(metric, state ?? value)
  }
  const servers = [...drafts.values()].map(({ proxy, server, values }) => {
    const [status, sessions, checkStatus, checkCode, age, weight] = serverMetrics.map(
      metric => values.get(metric) ?? '',
    )
    const [active, backups] = backendMetrics.map(metric => counts.get(`${metric} ${proxy}`))
    // No metric says it of one server. These count the servers that are UP: where there are both, it is not known.
    const backup = status !== 'UP' ? undefined : backups === 0 ? '0' : active === 0 ? '1' : undefined
    return serverOf({ proxy, server, status, sessions, checkStatus, checkCode, age, weight, backup }, at)
  })
  return { servers, proxies: namesIn(servers.map(({ proxy }) => proxy)) }
}

type Row = ReadonlyMap<string, string>

/** https://docs.haproxy.org/2.6/management.html#9.1 */
function ofTables(lines: readonly string[], at: number): Statistics | undefined {
  const rows = tableAfter(lines, '# pxname,svname,', fieldsOf)
  if (!rows) return undefined
  const places = placesIn(tableAfter(lines, '# be_id be_name ', line => line.split(' ')) ?? [])
  const servers = rows
    .filter(row => row.get('type') === '2')
    .map(row => {
      const of = (column: string): string => row.get(column) ?? ''
      const [proxy, server] = [of('pxname'), of('svname')]
      // Only at level operator or admin, and with `stats show-legends`.
      const [, address, port] = /^\[?([^\s\]]+)\]?:(\d+)$/.exec(of('addr')) ?? []
      const place = places.get(placeKey(proxy, server)) ?? { address, port, host: undefined }
      const [status, sessions, age, weight] = [of('status'), of('scur'), of('lastchg'), of('weight')]
      const [checkCode, backup] = [of('check_code'), of('bck')]
      // A star is a check under way: the rest is its last result.
      const checkStatus = of('check_status').replace(/^\* /, '')
      return serverOf({ proxy, server, status, sessions, checkStatus, checkCode, age, weight, backup, ...place }, at)
    })
  // A frontend has no servers.
  const withServers = rows.filter(row => ['1', '2'].includes(row.get('type') ?? ''))
  return { servers, proxies: namesIn(withServers.map(row => row.get('pxname') ?? '')) }
}

/** The rows after a line of titles that begins so, up to an empty line. */
function tableAfter(
  lines: readonly string[],
  begins: string,
  fields: (line: string) => readonly string[],
): Row[] | undefined {
  const first = lines.findIndex(line => line.startsWith(begins))
  if (first < 0) return undefined
  const titles = fields((lines[first] ?? '').slice(2))
  const end = lines.findIndex((line, i) => i > first && line === '')
  return lines
    .slice(first + 1, end < 0 ? undefined : end)
    .map(line => new Map(fields(line).map((value, i) => [titles[i] ?? '', value])))
}

/** The fields of a line of CSV. Quotes are around a field, and a quote in it is doubled. */
const fieldsOf = (line: string): readonly string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain,
  )

interface Place {
  readonly address: string | undefined
  readonly port: string | undefined
  readonly host: string | undefined
}

/** Where servers are, by `show servers state`. A dash stands for nothing. */
const placesIn = (rows: readonly Row[]): ReadonlyMap<string, Place> =>
  new Map(
    rows.map(row => {
      const of = (column: string): string | undefined => (row.get(column) === '-' ? undefined : row.get(column))
      const key = placeKey(of('be_name') ?? '', of('srv_name') ?? '')
      return [key, { address: of('srv_addr'), port: of('srv_port'), host: of('srv_fqdn') }]
    }),
  )

const placeKey = (proxy: string, server: string): string => `${proxy}/${server}`

/** All that is said of a server, as text. Empty for nothing. */
interface Words extends Partial<Place> {
  readonly proxy: string
  readonly server: string
  readonly status: string | undefined
  readonly sessions: string | undefined
  readonly checkStatus: string | undefined
  readonly checkCode: string | undefined
  /** Seconds since it went up or down. */
  readonly age: string | undefined
  readonly weight: string | undefined
  /** 0 or 1 */
  readonly backup: string | undefined
}

function serverOf(words: Words, at: number): HaproxyServer {
  const { status = '', address, port, host } = words
  const age = numberIn(words.age)
  const checkStatus = checkStatuses.find(one => one === words.checkStatus)
  // Metrics have a code 0 for a check without one.
  const hasCode = checkStatus !== undefined && /^(?:L7OKC?|L7STS|PROC\w+)$/.test(checkStatus)
  const code = hasCode ? numberIn(words.checkCode) : undefined
  const [, step, steps] = / (\d{1,3})\/(\d{1,3})$/.exec(status) ?? []
  return {
    proxy: nameIn(words.proxy),
    server: nameIn(words.server),
    status: status === 'no check' ? 'UP' : serverStatuses.find(one => one === status.split(' ', 1)[0]),
    changing: step === undefined || steps === undefined ? undefined : { at: Number(step), of: Number(steps) },
    checkStatus,
    checkCode: code === 0 && !checkStatus?.startsWith('PROC') ? undefined : code,
    weight: numberIn(words.weight),
    backup: words.backup === '1' ? true : words.backup === '0' ? false : undefined,
    sessions: numberIn(words.sessions),
    lastChangeAt: age === undefined ? undefined : (Math.floor(at / 1000) - age) * 1000,
    address: address === undefined || address === 'unix' ? undefined : nameIn(address),
    port: portIn(port),
    host: host === undefined || host === '' ? undefined : nameIn(host),
  }
}

const numberIn = (text = ''): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)

function portIn(text: string | undefined): number | undefined {
  const port = numberIn(text)
  return port !== undefined && port > 0 && port < 65_536 ? port : undefined
}

/** A name becomes a label, so it gets a safe form. */
const nameIn = (text: string): string => oneLine(text).slice(0, 120)

const namesIn = (names: readonly string[]): readonly string[] => [...new Set(names.map(nameIn))]
