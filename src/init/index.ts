import { parseConfig } from '../config/load.ts'
import {
  applicationIn,
  mailEntry,
  neededDatabases,
  packagesEntry,
  sendsMail,
  settingsEntry,
  writePathName,
  type Application,
} from './application.ts'
import type { Asked } from './asked.ts'
import { clustersOf } from './clusters.ts'
import type { Balancer } from './haproxy.ts'
import type { PatroniAsked } from './patroni.ts'
import { writePathEntry } from './path.ts'
import type { AppSettings } from './settings.ts'
import { documentOf, nameOf, type Entry, type Section } from './yaml.ts'

/** All that is known of a platform, by source. */
export interface Sources {
  readonly settings: readonly AppSettings[]
  readonly patroni: readonly PatroniAsked[]
  readonly haproxy: readonly Balancer[]
  readonly vault: readonly Entry[]
  /** Sources that say nothing: each is a comment. */
  readonly silent: readonly Asked<unknown>[]
  readonly kubeconfig: string | undefined
  /** Authority of what is asked over TLS. */
  readonly caFile: string | undefined
}

/**
 * A first configuration as text, which is valid; undefined if there is no target in it. `file`: where it will be.
 */
export function configurationOf(sources: Sources, file: string): string | undefined {
  const applications = named(sources.settings).map(applicationIn)
  const sections = sectionsOf(sources, applications)
  if (!sections.some(({ isList, entries }) => isList && entries.some(entry => nameOf(entry) !== undefined)))
    return undefined
  const text = documentOf(headOf(sources, applications), sections)
  parseConfig(text, file)
  return text
}

/** Whether none of the settings is one that is looked for. */
export const saysNothing = (settings: AppSettings): boolean => applicationIn(settings).keys.length === 0

const headOf = ({ silent, patroni }: Sources, applications: readonly Application[]): readonly string[] => [
  'A first configuration of mailpath-exporter, written by `mailpath-exporter init`. It holds no secrets, only where they are.',
  'init only asked, and changed nothing. Behind each line is where it comes from; "Missing" says what a person has to add.',
  ...silent.map(({ place, why = 'it gave nothing' }) => `Nothing came of ${place}: ${why}.`),
  ...patroni.flatMap(({ place, found }) => (found?.notes ?? []).map(note => `${place}: ${note}`)),
  ...applications.flatMap(({ notes }) => notes),
]

function sectionsOf(
  { patroni, haproxy, vault, kubeconfig, caFile }: Sources,
  applications: readonly Application[],
): readonly Section[] {
  const databases = applications.flatMap(one => one.databases)
  const clusters = clustersOf(patroni, databases, caFile)
  const each = (entries: (application: Application) => readonly (Entry | undefined)[]): Entry[] =>
    applications.flatMap(entries).filter(entry => entry !== undefined)
  const list = (kind: string, entries: readonly Entry[], about?: string): Section => ({
    kind,
    entries,
    isList: true,
    ...(about !== undefined && { about }),
  })
  const hasLogin = databases.some(({ login }) => login)
  return [
    {
      kind: 'kubernetes',
      isList: false,
      entries: kubeconfig === undefined ? [] : [{ lines: [['kubeconfig', kubeconfig]] }],
    },
    list('postgres', clusters.postgres, hasLogin ? ownLogin : noLogin),
    list('patroni', clusters.patroni),
    list('haproxy', unique(haproxy.map(({ entry }) => entry))),
    list(
      'write_path',
      each(one => one.databases.map(database => writePathEntry(one, database, clusters, haproxy))),
    ),
    list(
      'smtp',
      each(one => one.smtp),
    ),
    list(
      'ses',
      each(one => one.ses),
    ),
    list('vault', unique(vault)),
    list(
      'settings',
      each(one => [settingsEntry(one)]),
      'what was found has to stay',
    ),
    list(
      'packages',
      each(one => [packagesEntry(one)]),
      'what is installed has to stay',
    ),
    list('mail', mailEntries(applications)),
  ]
}

const ownLogin =
  'with the login of the application. Better is one of its own: create role mailpath login; grant pg_monitor to mailpath'
const noLogin =
  'Missing: a login, since no settings named one: create role mailpath login; grant pg_monitor to mailpath'

/** A mail path for each application that sends mail. Settings without a way out are those of databases that it needs. */
function mailEntries(applications: readonly Application[]): Entry[] {
  const pathsOf = (application: Application): string[] =>
    neededDatabases(application).map(database => writePathName(application, database))
  const shared = applications.filter(one => !sendsMail(one)).flatMap(pathsOf)
  return applications.filter(sendsMail).map(application => {
    const own = pathsOf(application)
    return mailEntry(application, own.length > 0 ? own : shared)
  })
}

/** Two applications of one name get a number. */
function named(settings: readonly AppSettings[]): AppSettings[] {
  const taken = new Set<string>()
  return settings.map(one => ({ ...one, app: freeOf(taken, one.app) }))
}

/** Two targets of one name get a number. */
function unique(entries: readonly Entry[]): Entry[] {
  const taken = new Set<string>()
  return entries.map(entry => ({
    ...entry,
    lines: entry.lines.map(line =>
      line[0] === 'name' && typeof line[1] === 'string' ? [line[0], freeOf(taken, line[1])] : line,
    ),
  }))
}

function freeOf(taken: Set<string>, name: string): string {
  const free = Array.from({ length: taken.size + 1 }, (_, i) => (i === 0 ? name : `${name} ${i + 1}`))
  const first = free.find(one => !taken.has(one)) ?? name
  taken.add(first)
  return first
}
