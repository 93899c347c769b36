import * as z from 'zod'
import { severities, verdicts } from '../../src/core/probe.ts'
import { resources } from '../../src/core/want.ts'
import type { JsonSchema } from './config-schema.ts'

// The value of /api/v1/status and of `check --format=json`. docs/status.schema.json and the tables of docs/api.md are made of
// this, and test/report/schema.test.ts holds what src/report/api.ts makes against it.

export const text = z.string()
const verdict = z.enum(verdicts)
export const time = z.iso.datetime().describe('ISO 8601, in UTC.')
export const seconds = z.number().min(0)
export const whole = z.int().min(0)
export const list = <T extends z.ZodType>(of: T, about: string) => z.array(of).describe(about)
export const object = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape)

const since = object({
  at: time,
  exact: z.boolean().describe('False: it was so already when the exporter first looked. Then read "at least since".'),
})
  .nullable()
  .describe('Since when it is so; null where that is not known, as in check.')

const reason = {
  code: text.describe('One of docs/reasons.md.'),
  verdict: verdict.exclude(['ok']).describe('What the reason alone makes of its check.'),
  severity: z.enum(severities).describe('How soon somebody should act.'),
  text: text.describe('The evidence, in one line without secrets.'),
  remedy: text.describe('What to do.'),
  because: text.nullable().describe('The check to fix instead: this is only a consequence of what is wrong there.'),
  runbook_url: z.url().describe('The page about this reason.'),
}
const at = { probe: text.describe('The kind of the check.'), target: text.describe('The name of its target.') }

const blocker = object({
  ...at,
  level: z
    .enum(['fail', 'unknown'])
    .describe('What it does to the mail path: mail cannot be sent, or that is not known.'),
  root: z.boolean().describe('Whether it is the one thing to fix first.'),
  since,
  ...reason,
})

const uptime = object({
  up_seconds: seconds.describe('Mail could be sent.'),
  down_seconds: seconds.describe('Mail could not be sent.'),
  unknown_seconds: seconds.describe('Nobody looked, or it was not known.'),
})

const mailPath = object({
  name: text,
  verdict,
  since,
  sentence: text.describe('The answer in one line.'),
  provider: text.nullable().describe('The provider that the application uses; null where it names none.'),
  root: blocker.nullable().describe('The one thing to fix first; null where mail can be sent.'),
  blockers: list(blocker, 'All that stops mail, in the order of dependency.'),
  exceptions: list(object({ ...at, ...reason }), 'What is broken and does not stop mail.'),
  uptime: object({ day: uptime.describe('The last 24 hours.'), month: uptime.describe('The last 30 days.') })
    .nullable()
    .describe('How long mail could be sent; null where that is not known, as in check.'),
  needs: z.record(text, z.array(text)).describe('Names of the targets that it needs, by kind.'),
})

const server = object({
  name: text,
  node: text.nullable().describe('The Postgres node behind it, by the name of its target.'),
  status: text.nullable(),
  check_status: text.nullable(),
  check_code: z.int().nullable(),
})
const hop = z.union([
  object({
    probe: z.literal('haproxy').describe('Or `pgbouncer`, which has the fields from `database` on.'),
    target: text,
    verdict,
    proxy: text,
    servers: z.array(server),
  }),
  object({
    probe: z.literal('pgbouncer'),
    target: text,
    verdict,
    database: text,
    paused: z.boolean().nullable(),
    clients_active: whole.nullable(),
    clients_waiting: whole.nullable(),
    longest_wait_seconds: seconds.nullable(),
  }),
])

const node = object({
  name: text,
  address: text.nullable(),
  role: text.nullable(),
  verdict,
  patroni_differs: text.nullable().optional().describe('What Patroni says, where that is something else.'),
})

const record = object({
  record: text.describe('Such as SPF or DMARC.'),
  name: text.describe('Its name in DNS.'),
  state: z.enum(['ok', 'weak', 'wrong', 'missing', 'unknown', 'unused', 'not_judged']),
  found: z.array(text),
  publish: text.nullable().describe('A line of a zone file to publish.'),
  advice: text.nullable().describe('What to do, as a sentence.'),
})

const setting = object({
  target: text.describe('Name of the `settings` target.'),
  setting: text,
  expected: text.describe('Never the value of a secret.'),
  source: text.describe('Where it comes from.'),
  state: z.enum(['verified', 'present', 'absent', 'different', 'unreadable']),
  why: text.nullable(),
})

const check = object({
  id: text.describe('`probe/target`.'),
  ...at,
  verdict,
  since,
  stale: z.boolean().describe('The last run is older than three intervals, so the verdict is unknown.'),
  evidence: text.describe('What was seen, in one line.'),
  reasons: list(object(reason), 'Worst first.'),
  interval_seconds: seconds,
  last_run: time.nullable(),
  last_ok: time.nullable(),
  duration_seconds: seconds.nullable().describe('Of the last run, stale or not.'),
  phases: z.record(text, seconds).describe('Seconds of each phase of the last run.'),
  runs: whole,
  failures: whole,
  history: list(verdict, 'Verdicts of the last runs, oldest first.'),
  needs: list(text, 'The checks of the systems that it takes secrets from.'),
})

/** The whole status. */
export const statusSchema = object({
  at: time.describe('When this was assessed.'),
  started_at: time.describe('When the exporter started.'),
  verdict: verdict.describe('The worst verdict of the mail paths; with `check --only`, of the checks.'),
  exit_code: z.literal([0, 1, 2, 3]).describe('What `check` makes of that verdict.'),
  starved: list(
    object({ resource: z.enum(resources), ...reason, codes: z.array(text), checks: whole }),
    'What the exporter itself lacks, and how many checks could not run because of it.',
  ),
  mail_paths: list(mailPath, 'The answer for each application, in the order of the configuration.'),
  clusters: list(
    object({
      name: text,
      verdict,
      primary: text.nullable().describe('Name of the primary.'),
      primaries: whole.nullable().describe('How many there are.'),
      split_brain: z.boolean().nullable(),
      lock_holder: text.nullable().optional().describe('Who holds the leader lock, where Patroni manages the cluster.'),
      evidence: text,
      reasons: z.array(object(reason)),
      nodes: z.array(node),
    }),
    'The clusters of Postgres.',
  ),
  landings: list(
    object({
      write_path: text,
      cluster: text,
      nodes: list(text, 'The nodes that its sessions landed on.'),
      on_primary: z.boolean().nullable(),
      through: z.array(hop).optional().describe('What it goes through, where its target names something.'),
    }),
    'Where each write path ends up.',
  ),
  dns: list(
    object({
      target: text,
      domain: text,
      envelope: text,
      servers: z.array(text),
      records: z.array(record),
    }),
    'What receivers find in DNS, of each `dns` target with a fresh look.',
  ),
  settings: list(setting, 'The settings of applications.'),
  actions: list(
    object({
      root: z.boolean().describe('Whether it is the one thing to fix first.'),
      where: list(text, 'The checks and clusters that have this reason.'),
      ...reason,
    }),
    'What to do: first what is to be fixed first, then by severity. Without consequences.',
  ),
  checks: list(check, 'Each check.'),
})

/** The status as JSON Schema. Every field is there, and no other, but for those that are not required. */
export const statusJsonSchema = (): JsonSchema => ({
  title: 'Status of mailpath-exporter',
  ...(z.toJSONSchema(statusSchema, { reused: 'inline' }) as JsonSchema),
})

/** The fields that each reason has. */
export const reasonFields = (): Readonly<Record<string, JsonSchema>> =>
  (z.toJSONSchema(object(reason)) as JsonSchema).properties ?? {}
