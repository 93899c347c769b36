import { listedProbes, probes } from '../../src/probes/index.ts'
import { configSchema, referenceRef, referenceSources, type JsonSchema } from './config-schema.ts'
import { document, inCell } from './docs.ts'
import { markdownTable } from '../../src/report/table.ts'

const intro = `One YAML file, by default \`mailpath.yml\` (\`--config.file\`): a section per kind of probe, and in it a list of
targets. \`mailpath-exporter check-config\` reports all errors at once, each with line and column. Unknown keys are errors.
For completion and checks in an editor, begin the file with
\`# yaml-language-server: $schema=…/docs/config.schema.json\` ([config.schema.json](config.schema.json)).

Types: a **duration** is a number with \`ms\`, \`s\`, \`m\` or \`h\`, such as \`15s\`. A **long duration** has \`h\` or \`d\`,
such as \`14d\`. A **reference** says where to fetch a value, see [References](#references). A **section** has keys of its
own, listed below it. A path that does not begin with \`/\` starts at the folder of the configuration file, as in
Prometheus. A path inside a kubeconfig starts at the folder of the kubeconfig.`

const referenceIntro = `Each run resolves its references, so that a rotated secret is used at once. If several checks of a round take values from
one secret of Kubernetes or Vault, it is read once. A reference that cannot be resolved makes its check \`unknown\` with the
reason \`reference_unresolved\`, which names the reference and never its value. A secret must be a reference: written in
this file it is an error.

A value must look like what its key expects: a host, a port, the name of a user, in one line. Anything else is neither used
nor shown: a URL for a host, a key, a document, a value in quotes, the \`tcp://…\` that Kubernetes injects for a Service,
bytes that are not UTF-8.

Variables (\`\${NAME}\`) are not expanded in this file. They are an error: use a reference. In a \`.env\` file they are
expanded if the reference, or the \`from\` of settings, says \`expand: true\`. The rules are those of dotenv-expand 12:
\`\${NAME}\`, \`$NAME\`, \`\${NAME:-default}\`, \`\${NAME:+alternative}\`, and \`\\$\` for a \`$\`. Single quotes make no
difference there. A shell, docker compose and python-dotenv expand nothing in single quotes: set \`expand: false\` for such
a value. If the file does not set a variable above the value, and it has no default, the value is unknown: the application
may have the variable, but the exporter has another environment. Without \`expand\`, a value with something to expand is
unknown, and is never sent anywhere.`

const targetIntro = 'Every entry of the lists below has these keys.'
const commonKeys = ['name', 'interval', 'timeout']

/** docs/configuration.md, with whole files as examples at its end; `views` has Patroni, HAProxy and PgBouncer. */
export function configurationDoc(example: string, views: string): string {
  const file = configSchema()
  const kinds = new Set<string>(listedProbes.map(probe => probe.kind))
  const topLevel = Object.entries(file.properties ?? {}).filter(([key]) => !kinds.has(key))
  const first = probes[0].kind
  return document(
    'Configuration',
    intro,
    '## The file',
    keyTable(topLevel.flatMap(([key, schema]) => rowsOf(key, schema, false))),
    '## Targets',
    targetIntro,
    keyTable(keyRows('', targetSchema(file, first)).filter(([key]) => commonKeys.includes(key))),
    ...listedProbes.flatMap(({ kind, summary }) => [
      `## \`${kind}\``,
      summary,
      keyTable(keyRows('', targetSchema(file, kind)).filter(([key]) => !commonKeys.includes(key))),
    ]),
    '## References',
    referenceIntro,
    referenceTable(file.definitions?.['reference'] ?? {}),
    '## Example',
    `\`\`\`yaml\n${example.trimEnd()}\n\`\`\``,
    '## With Patroni, HAProxy and PgBouncer',
    `\`\`\`yaml\n${views.trimEnd()}\n\`\`\``,
  )
}

const targetSchema = (file: JsonSchema, kind: string): JsonSchema => file.properties?.[kind]?.items ?? {}

/** Key, type, default or `required`, meaning. */
type Row = readonly [key: string, type: string, given: string, meaning: string]

const keyTable = (rows: readonly Row[]): string =>
  markdownTable(
    ['Key', 'Type', 'Default', 'Meaning'],
    rows.map(([key, type, given, meaning]) => [`\`${key}\``, type, given, inCell(meaning)]),
  )

const keyRows = (prefix: string, { properties = {}, required = [] }: JsonSchema): Row[] =>
  Object.entries(properties).flatMap(([key, schema]) => rowsOf(`${prefix}${key}`, schema, required.includes(key)))

/** The row of a key, and those of what is inside of it. */
function rowsOf(key: string, schema: JsonSchema, required: boolean): Row[] {
  const given = required ? '**required**' : schema.default === undefined ? '' : asCode(schema.default)
  return [[key, typeOf(schema), given, schema.description ?? ''], ...insideOf(key, schema)]
}

function insideOf(key: string, schema: JsonSchema): Row[] {
  if (schema.items) return insideOf(`${key}[]`, schema.items)
  if (schema.anyOf) return schema.anyOf.flatMap(one => insideOf(key, one))
  const { additionalProperties: any } = schema
  const named = typeof any === 'object' ? rowsOf(`${key}.NAME`, any, false) : []
  return [...named, ...keyRows(`${key}.`, schema)]
}

const asCode = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

const plainTypes: Readonly<Record<string, string>> = { string: 'text', boolean: '`true` or `false`', object: 'section' }

function typeOf(schema: JsonSchema): string {
  if (schema.$ref === referenceRef) return 'reference'
  const alternatives = schema.anyOf ?? schema.allOf
  if (alternatives) return [...new Set(alternatives.map(typeOf))].join(' or ')
  if (schema.const !== undefined) return asCode(schema.const)
  if (schema.enum) return schema.enum.map(asCode).join(', ')
  if (schema.items) return `list of ${plural(typeOf(schema.items))}`
  if (schema.type === 'integer' || schema.type === 'number') return numberType(schema)
  if (/\(ms\|s\|m\|h\)\$$/.test(schema.pattern ?? '')) return 'duration'
  if (/\(h\|d\)\$$/.test(schema.pattern ?? '')) return 'long duration'
  return plainTypes[schema.type ?? ''] ?? 'any'
}

const plural = (type: string): string => (type === 'section' ? 'sections' : type)

function numberType({ minimum, maximum }: JsonSchema): string {
  const bounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  return bounded ? `number from ${minimum} to ${maximum}` : 'number'
}

const examples: Readonly<Record<(typeof referenceSources)[number][0], string>> = {
  env: '{ env: SMTP_PASS }',
  file: '{ file: /run/secrets/smtp_pass }',
  credential: '{ credential: smtp_pass }',
  dotenv: '{ dotenv: /opt/app/.env, key: SMTP_PASS }',
  ini: '{ ini: /home/app/.aws/credentials, section: default, key: aws_access_key_id }',
  kubernetes: '{ kubernetes: { namespace: mail, secret: app, key: SMTP_PASS } }',
  vault: '{ vault: { target: vault-01, path: secret/data/app, key: SMTP_PASS } }',
}

function referenceTable({ properties = {} }: JsonSchema): string {
  const meaning = (key: string): string => inCell(properties[key]?.description ?? '')
  const kinds = referenceSources.map(([kind]) => [`\`${examples[kind]}\``, meaning(kind)])
  return markdownTable(['Reference', 'Meaning'], [
    ...kinds,
    ['`{ …, part: password }`', meaning('part')],
    ['`{ …, default: smtp }`', meaning('default')],
  ])
}
