import { markdownTable } from '../../src/report/table.ts'
import type { JsonSchema } from './config-schema.ts'
import { inCell } from './docs.ts'
import { incidentsJsonSchema } from './incidents-schema.ts'
import { reasonFields, statusJsonSchema } from './status-schema.ts'

/** What each endpoint answers, by its path. */
export const endpointMeanings: Readonly<Record<string, string>> = {
  '/': 'The status page. `?refresh=off` keeps it still.',
  '/metrics': 'All metrics, in the text format of Prometheus or in OpenMetrics, by `Accept`: [metrics](metrics.md).',
  '/api/v1/status': 'The status as JSON: below.',
  '/probe':
    '`?probe=KIND&target=NAME` runs this check now, and answers with its metrics. With `&debug=true`: with each step of the run, as text. A request can start a check once per interval, else the answer is 429.',
  '/failures':
    'The last failures of `?probe=KIND&target=NAME`, step by step. Without a query: all checks that have failed.',
  '/incidents':
    'The last 50 incidents, with uptime: a page. `?format=json` or `?format=markdown`, or `Accept`, gives the same for programs, and for a post-mortem. `?number=N` gives one of them.',
  '/-/healthy': '200 while the exporter works. 503 when a check has hung for more than three intervals: restart it.',
  '/-/ready': '200 once every check has run. 503 before.',
  '/-/reload': 'Reads the configuration again, all or nothing. Takes `--web.enable-lifecycle`, else the answer is 403.',
}

const head = `Nothing here changes a target, and everything but \`/-/reload\` is read-only. \`/probe\` and \`/-/reload\` wait for what they
start. All others answer at once, from what is known.`

const prefix = `Start the exporter with the URL by which people reach it. As in Prometheus, the path of that URL is the route prefix: **all**
endpoints are below it, health too. \`/\` leads to the page.

\`\`\`sh
# not run here: it goes on until it is stopped
mailpath-exporter --config.file=mailpath.yml --web.external-url=https://ops.example.com/mail/
\`\`\`

| who asks | asks for |
|---|---|
| a browser | \`https://ops.example.com/mail/\` |
| Prometheus | \`metrics_path: /mail/metrics\` |
| Kubernetes | \`/mail/-/healthy\` and \`/mail/-/ready\` |
| the proxy (nginx) | \`location /mail/ { proxy_pass http://exporter:10587; }\`, without a path |

- \`--web.route-prefix=/mail\` sets the prefix alone.
- If the proxy takes the path off, add \`--web.route-prefix=/\`. Then \`/metrics\`, \`/-/healthy\` and \`/-/ready\` stay where they are,
  and probes and scrapes need no change.
- All links on pages are relative, so they hold in each of these cases.
- Browsers may ask by the host name of the external URL. Other names need \`--web.allowed-host\`: [running it](running.md).
- The label \`handler\` of \`mailpath_http_requests_total\` is without the prefix, so dashboards stay the same.`

const json = `\`/api/v1/status\` and \`check --format=json\` give the same object. [status.schema.json](status.schema.json) is its JSON Schema. It
describes this version exactly. A later one may have more fields: let your own programs ignore what they do not know. To take a
field out or to change its meaning is a breaking change, and stands first in the [changelog](../CHANGELOG.md).

- Times are ISO 8601 in UTC, durations are in seconds. Unknown is \`null\`, never 0.
- \`?fields=verdict,mail_paths\` gives only these fields of the first level. An unknown name is refused with 400 and the list of names.
- \`check\` looks once. So \`since\` and \`uptime\` are \`null\` there. With \`check --only\`, \`mail_paths\` is empty.

\`\`\`sh
curl -s 'http://localhost:10587/api/v1/status?fields=verdict,exit_code'
curl -s 'http://localhost:10587/api/v1/status?fields=mail_paths' | jq -r '.mail_paths[] | .sentence, .root.remedy // empty'
curl -s 'http://localhost:10587/api/v1/status?fields=checks' | jq '.checks[] | select(.verdict == "fail") | {id, since, evidence}'
\`\`\``

const incidents = `\`/incidents?format=json\`. [incidents.schema.json](incidents.schema.json) is its JSON Schema. What is said above of times, of
unknown, and of later versions holds here too. Uptime is in \`mail_paths[].uptime\` of the status.

\`\`\`sh
curl -s 'http://localhost:10587/incidents?format=json' | jq '.incidents[0] | {started_at, ended_at, roots, healed}'
curl -s 'http://localhost:10587/incidents?format=markdown&number=3' >>post-mortem.md
\`\`\``

/** docs/api.md */
export function apiDoc(endpoints: readonly { readonly path: string; readonly methods: readonly string[] }[]): string {
  const rows = endpoints.map(({ path, methods }) => [
    `\`${path}\``,
    methods.join(', '),
    inCell(endpointMeanings[path] ?? ''),
  ])
  const { properties = {} } = statusJsonSchema()
  return [
    '<!-- Generated from the code; `npx vitest run test/report/schema.test.ts -u` writes it again. -->',
    '# HTTP API',
    head,
    markdownTable(['Endpoint', 'Methods', 'Answer'], rows),
    'Every endpoint takes `OPTIONS` and says in `Allow` what else it takes. Any other method is refused with 405. Errors are one line\nof plain text.',
    '## Behind a reverse proxy',
    prefix,
    '## The status as JSON',
    json,
    '### Fields',
    markdownTable(['Field', 'Type', 'Meaning'], fieldRows(properties, '')),
    '### The fields of a reason',
    'A blocker, an exception, an action and each entry of `reasons` have them.',
    markdownTable(['Field', 'Type', 'Meaning'], fieldRows(reasonFields(), '')),
    '## Incidents as JSON',
    incidents,
    markdownTable(['Field', 'Type', 'Meaning'], fieldRows(incidentsJsonSchema().properties ?? {}, '')),
  ]
    .join('\n\n')
    .concat('\n')
}

type Properties = Readonly<Record<string, JsonSchema>>
type Row = readonly [path: string, type: string, meaning: string]

const ofReason = Object.keys(reasonFields())

/** A row for each field, and after it the fields in it. The fields of a reason are one row. */
function fieldRows(properties: Properties, base: string): Row[] {
  const hasReason = base !== '' && ofReason.every(name => name in properties)
  const own = Object.entries(properties).filter(([name]) => !hasReason || !ofReason.includes(name))
  const rows = own.flatMap(([name, schema]): Row[] => {
    const path = `${base}${name}`
    const { schema: inner, isNullable } = withoutNull(schema)
    const type = `${typeOf(inner)}${isNullable ? ' or null' : ''}`
    const items = inner.items ?? inner
    const suffix = inner.items ? '[].' : '.'
    const below = (items.anyOf ?? [items]).flatMap(one => fieldRows(one.properties ?? {}, `${path}${suffix}`))
    return [[`\`${path}\``, type, inCell(schema.description ?? '')], ...unique(below)]
  })
  return hasReason ? [...rows, [`\`${base}…\``, '', 'The fields of a reason.']] : rows
}

const unique = (rows: readonly Row[]): Row[] => rows.filter(([path], i) => rows.findIndex(one => one[0] === path) === i)

/** zod writes "or null" as `anyOf`. */
function withoutNull(schema: JsonSchema): { readonly schema: JsonSchema; readonly isNullable: boolean } {
  const others = schema.anyOf?.filter(one => one.type !== 'null')
  const [only] = others ?? []
  return others?.length === 1 && only ? { schema: only, isNullable: true } : { schema, isNullable: false }
}

function typeOf({ type, enum: values, items, format, const: constant }: JsonSchema): string {
  if (values) return values.map(value => `\`${String(value)}\``).join(', ')
  if (typeof constant === 'string') return `\`${constant}\``
  if (type === 'array') return `list${items?.type === 'string' ? ` of ${items.enum ? 'verdicts' : 'strings'}` : ''}`
  // For a text or null, zod writes a list of types.
  return format === 'date-time' ? 'time' : [type ?? 'object'].flat().join(' or ')
}
