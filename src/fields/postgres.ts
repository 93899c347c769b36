import * as z from 'zod'
import { secretSettings, settingShape } from '../clients/postgres-target.ts'
import { libpqParameters } from '../clients/postgres-url/libpq.ts'
import { shapes } from '../core/shape.ts'
import { duration, filePath, secret, text } from './index.ts'
import { nearest } from '../yaml/nearest.ts'

export { drivers } from '../clients/postgres-url/plan.ts'

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS */
export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

/** The settings that some driver reads. Other settings of libpq change neither where nor how one connects. */
const settingNames = new Set<string>(
  [...libpqParameters.values(), 'PGREQUIRESSL', 'PGSSL', 'PGUSERNAME'].filter(name => name !== undefined),
)

const settings = z
  .record(
    z.string().refine(name => settingNames.has(name), {
      error: ({ input }) => {
        const meant = nearest(String(input), settingNames)
        return `no driver reads a setting of this name${meant === undefined ? '; expected one such as PGSSLMODE' : `; did you mean ${meant}?`}`
      },
    }),
    text('', shapes.line),
  )
  .superRefine((given, context) => {
    for (const name of secretSettings)
      for (const { message } of name in given ? (secret('').safeParse(given[name]).error?.issues ?? []) : [])
        context.addIssue({ code: 'custom', path: [name], message })
    for (const [name, value] of Object.entries(given))
      if (typeof value !== 'object' && settingShape(name).read(String(value)) === undefined)
        context.addIssue({ code: 'custom', path: [name], message: `expected ${settingShape(name).expected}` })
  })

/** One host or several, or the folder of a Unix socket. */
export const hostList = (meaning: string) => text(meaning, shapes.hosts)

/** The keys of all that logs in to Postgres, except the URL. */
export const loginFields = {
  pg_settings: settings
    .optional()
    .describe(
      'The `PG*` settings in the environment of the application, by name. Its driver reads them in addition to the URL. Values or references. The exporter never uses its own.',
    ),
  ca_file: filePath('CA certificates to verify the server with.').optional(),
  cert_file: filePath('Client certificate to log in with, in PEM; with `key_file`.').optional(),
  key_file: filePath('The key of `cert_file`, in PEM.').optional(),
}

/** For a probe whose watch also answers runs. */
export const loginInterval = duration(
  'How often a run logs in. The other runs query the session of `watch`, which costs the server a tenth. Problems that only a login meets (password, `pg_hba.conf`, certificate, name lookup) are seen that much later. Default: every run logs in.',
).optional()

export function loginIntervalNeedsWatch(
  { watch, login_interval }: { readonly watch: boolean; readonly login_interval?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (!watch && login_interval !== undefined)
    context.addIssue('login_interval needs the session of watch: leave it out, or let watch be true')
}
