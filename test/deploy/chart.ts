/** The chart, and what Helm makes of it. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { optional } from '../packaging/optional.ts'
import { rendered, type Manifest } from './manifests.ts'

export const chart = new URL('../../deploy/helm/mailpath-exporter/', import.meta.url)
export const chartFolder = fileURLToPath(chart)

export const readInChart = (file: string): string => readFileSync(new URL(file, chart), 'utf8')
export const yamlInChart = (file: string): Readonly<Record<string, unknown>> =>
  parse(readInChart(file)) as Readonly<Record<string, unknown>>

/** The templates that make objects: those of `helm test` are in a folder of their own. */
export const templates = readdirSync(new URL('templates', chart)).filter(file => file.endsWith('.yaml'))

/** The path of Helm; undefined if it is not installed. */
export const helm = optional('helm', 'https://helm.sh/docs/intro/install')

/** What `helm template` makes, for Kubernetes 1.31, in the namespace `app`. */
export const template = (...args: string[]): Promise<Manifest[]> => templateOf(chartFolder, ...args)

/** The same for another chart. */
export const templateOf = (folder: string, ...args: string[]): Promise<Manifest[]> =>
  rendered(helm ?? '', ['template', 'mine', folder, '--namespace=app', '--kube-version=1.31.0', ...args])

/** What Helm tells who installs the chart. As an object among the others, since Helm 3 shows it only to who has a cluster. */
export async function notesOf(...args: string[]): Promise<string> {
  const object = `kind: Notes
text: |
  {{- include (print $.Template.BasePath "/NOTES.txt") . | nindent 2 }}`
  const made = await template(...args, `--set-json=extraManifests=${JSON.stringify([object])}`)
  const notes = made.find(({ kind }) => kind === 'Notes')
  if (typeof notes?.['text'] !== 'string') throw new Error('there are no notes')
  return notes['text']
}

/** The smallest configuration. */
export const relay = ['--set=config.smtp[0].name=relay,config.smtp[0].host=mail.example.com']

/** Whether an object is there for `helm test` only. */
export const isOfTest = ({ metadata }: Manifest): boolean => metadata.annotations?.['helm.sh/hook'] === 'test'
