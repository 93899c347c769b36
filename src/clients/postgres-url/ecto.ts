import { databaseOf, given, giveUp, tcp, userOf } from './no-plan.ts'
import { shownName } from './parameters.ts'
import type { Given, Reading } from './plan.ts'

const noMatter: ReadonlySet<string> = new Set([
  'pool_size',
  'timeout',
  'pool_timeout',
  'queue_target',
  'queue_interval',
])

/** How Ecto with Postgrex connects: in the clear by default. https://hexdocs.pm/ecto/Ecto.Repo.html#module-urls */
export function readEcto({ url: text = '', caFile: _, password }: Given): Reading {
  if (!URL.canParse(text)) giveUp('is a URL of Ecto that is not valid')
  const url = new URL(text)
  const parameters = [...url.searchParams].map(([name, value]) => ({ name, value }))
  for (const [i, { name, value }] of parameters.entries())
    if (!noMatter.has(name) && !(name === 'ssl' && value === 'false'))
      giveUp(`is a URL of Ecto with ${shownName(parameters, i, new Set(['ssl']))}, which cannot be followed here`)
  const user = userOf(decoded(url.username))
  return {
    kind: 'plan',
    plan: {
      endpoints: [tcp(decoded(url.hostname).replace(/^\[(.*)\]$/, '$1'), Number(given(url.port) ?? 5432))],
      user,
      database: databaseOf(decoded(url.pathname.slice(1))),
      password: given(password) ?? given(decoded(url.password)),
      tls: { use: 'never', direct: false, verify: 'nothing', authorities: 'usual' },
      targetSessionAttrs: 'any',
      startup: {},
      connectTimeoutMs: 15_000,
    },
    ignored: [],
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return giveUp('is a URL of Ecto with a % that begins no character; write %25 for a % of the password')
  }
}
