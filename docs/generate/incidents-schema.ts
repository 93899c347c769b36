import * as z from 'zod'
import type { JsonSchema } from './config-schema.ts'
import { list, object, seconds, text, time, whole } from './status-schema.ts'

// The value of /incidents as JSON. docs/incidents.schema.json and a table of docs/api.md are made of this, and
// test/report/incidents-schema.test.ts holds what src/report/incidents.ts makes against it.

const names = list(text, 'Names of mail paths.')
const blocked = {
  probe: text.describe('The kind of the check.'),
  target: text.describe('The name of its target.'),
  code: text.describe('One of docs/reasons.md.'),
  text: text.describe('What was said when it was first seen, without secrets.'),
  runbook_url: z.url().describe('The page about this reason.'),
}
const from = time.describe('When it began to block mail.')
const paths = list(text, 'Names of the mail paths that it blocked. Empty if an older exporter kept them.')
const healed = object({ ...blocked, mail_paths: paths, from, to: time.describe('When it was gone.') })
const removed = object({
  ...blocked,
  mail_paths: paths,
  from,
  to: time.describe('When it was no longer configured, or no mail path that it blocked was.'),
})
const blocking = object({ ...blocked, mail_paths: paths, from, to: z.null().describe('Always null: it still blocks mail.') })

const incident = object({
  number: z.int().min(1).describe('Counts up.'),
  started_at: time,
  start_exact: z.boolean().describe('False: nobody saw when it began. Then read "at the latest".'),
  ended_at: time.nullable().describe('When mail of all its mail paths could be sent again; null while it lasts.'),
  end_exact: z.boolean().describe('False: nobody saw when it ended.'),
  duration_seconds: seconds.describe('Until now while it lasts.'),
  unseen_seconds: seconds.describe('Nobody looked for so much of it.'),
  interruptions: whole.describe('How often all its mail worked in between, for less than five minutes.'),
  mail_paths: list(
    object({
      name: text,
      from: time,
      to: time.nullable().describe('Null while its mail cannot be sent.'),
      removed: z.boolean().describe('True: it ended because the mail path is not configured any longer.'),
    }),
    'In the order in which they went down.',
  ),
  roots: list(
    object({ at: time.describe('From then on.'), ...blocked, mail_paths: names }),
    'The one thing to fix at each time. Oldest first.',
  ),
  healed: list(healed, 'What blocked mail and does so no longer. What healed first is first.'),
  removed: list(removed, 'What is not configured any longer: nobody saw it heal.'),
  blocking: list(blocking, 'What still blocks mail.'),
  cut: z.boolean().describe('Some roots or causes are left out: there were too many.'),
  left_out: object({
    roots: whole.describe('How many roots are left out.'),
    causes: whole.describe('So many causes at least are left out.'),
  }),
})

/** All that `/incidents?format=json` answers. */
const incidentsSchema = object({
  at: time.describe('The time of the last look.'),
  incidents: list(incident, 'The last 50, newest first.'),
})

/** The incidents as JSON Schema. Every field is there, and no other. */
export const incidentsJsonSchema = (): JsonSchema => ({
  title: 'Incidents of mailpath-exporter',
  ...(z.toJSONSchema(incidentsSchema, { reused: 'inline' }) as JsonSchema),
})
