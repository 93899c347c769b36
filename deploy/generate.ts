/** What is made of other files of the project, since kustomize and Helm read only what lies below their own folder. */
import { readFileSync, readdirSync } from 'node:fs'
import { format } from 'prettier'
import { valuesTable } from './values-table.ts'
import { valuesSchema } from './values-schema.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

const rules = read('alerts/mailpath.rules.yml')
const chart = 'deploy/helm/mailpath-exporter'
const origin = '# Generated from alerts/mailpath.rules.yml; `npx vitest run test/deploy -u` writes it again.\n'

/** The rules as the Prometheus operator takes them: a file of rules is the `spec`. */
const prometheusRule = `${origin}apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mailpath-exporter
  labels:
    app.kubernetes.io/name: mailpath-exporter
spec:
${rules.slice(rules.indexOf('groups:')).replace(/^(?=.)/gm, '  ')}`

const dashboards = readdirSync(new URL('../grafana/dashboards/', import.meta.url)).filter(file =>
  file.endsWith('.json'),
)

/** The README of the chart: only what is between the two marks is generated. */
const readme = read(`${chart}/README.md`).replace(
  /(?<=<!-- values -->\n)[^]*(?=<!-- end of values -->)/,
  () => `\n${valuesTable(read(`${chart}/values.yaml`), valuesSchema())}\n\n`,
)

/** Every generated file below `deploy/`, by its path in the project. */
export const generated: Readonly<Record<string, string>> = {
  'deploy/kustomize/monitoring/prometheusrule.yaml': prometheusRule,
  [`${chart}/values.schema.json`]: await format(JSON.stringify(valuesSchema()), { parser: 'json', printWidth: 120 }),
  [`${chart}/README.md`]: readme,
  [`${chart}/rules/mailpath.rules.yml`]: origin + rules,
  ...Object.fromEntries(
    dashboards.map(file => [`${chart}/dashboards/${file}`, read(`grafana/dashboards/${file}`)] as const),
  ),
}
