/** What the receivers have got since some time, and what is wrong with it. */
import { secrets } from './platform.ts'
import type { Notification, Receiver, SentAlert } from './receiver.ts'
import { isOfTheRun, type Expected } from './scenario.ts'

export interface News {
  /** Whether a receiver was told that it fires. */
  readonly has: (expected: Expected) => boolean
  /** Whether it was told that this is over. */
  readonly isOver: (expected: Expected) => boolean
  /** When it was first told so, in milliseconds since the epoch. */
  readonly firstAt: (expected: Expected, status: SentAlert['status']) => number | undefined
  /** What fired, one line per alert and receiver. */
  readonly told: () => readonly string[]
  readonly watchdogs: () => number
  /** What was told and was not to be, or not in this way. Names of alerts that may be told of in `passing`. */
  readonly wrongs: (expected: readonly Expected[], passing: readonly string[]) => readonly string[]
}

/** An alert in a notification. */
interface Told {
  readonly alert: SentAlert
  readonly notification: Notification
}

const forDeadMan = ({ notification }: Told): boolean => notification.to === 'deadmansswitch'
const nameOf = ({ alert }: Told): string => alert.labels['alertname'] ?? ''
const lineOf = (told: Told): string => {
  const { alertname = '', job: _job, component: _component, ...labels } = told.alert.labels
  return `${told.notification.to}: ${alertname}${JSON.stringify(labels)}`
}

const matches = ({ alert, notification }: Told, expected: Expected): boolean =>
  notification.to === expected.to &&
  Object.entries({ alertname: expected.alert, ...expected.labels }).every(
    ([label, value]) => alert.labels[label] === value,
  )

export function listenTo({ notifications }: Receiver, since: number): News {
  const all = (): Told[] =>
    notifications
      .filter(({ at }) => at >= since)
      .flatMap(notification => notification.alerts.map(alert => ({ alert, notification })))
      .filter(({ alert }) => Date.parse(alert.startsAt) >= since || alert.labels['alertname'] === 'MailWatchdog')
  const firing = (): Told[] => all().filter(({ alert }) => alert.status === 'firing')
  const first = (expected: Expected, status: SentAlert['status']): Told | undefined =>
    all().find(told => told.alert.status === status && matches(told, expected))
  return {
    has: expected => first(expected, 'firing') !== undefined,
    isOver: expected => first(expected, 'resolved') !== undefined,
    firstAt: (expected, status) => first(expected, status)?.notification.at,
    told: () => [
      ...new Set(
        firing()
          .filter(told => !forDeadMan(told))
          .map(lineOf),
      ),
    ],
    watchdogs: () => firing().filter(forDeadMan).length,
    wrongs(expected, passing) {
      const heard = firing().filter(told => expected.some(one => matches(told, one)) || !passing.includes(nameOf(told)))
      return [
        ...unexpected(heard, expected),
        ...expected.flatMap(one => wrongText(one, first(one, 'firing'))),
        ...expected.flatMap(one => repeated(one, heard)),
        ...scattered(heard, expected),
        ...all().flatMap(unfit),
      ]
    },
  }
}

const unexpected = (heard: readonly Told[], expected: readonly Expected[]): string[] => [
  ...new Set(
    heard
      .filter(
        told =>
          !(isOfTheRun(told.alert.labels) || expected.some(one => matches(told, one))) ||
          forDeadMan(told) !== (nameOf(told) === 'MailWatchdog'),
      )
      .map(told => `was not to be heard of: ${lineOf(told)}`),
  ),
]

const textOf = ({ alert }: Told): string =>
  `${alert.annotations['summary'] ?? ''} ${alert.annotations['description'] ?? ''}`

const wrongText = (expected: Expected, told: Told | undefined): string[] =>
  (expected.says ?? [])
    .filter(says => told && !textOf(told).includes(says))
    .map(says => `${expected.alert} does not say "${says}", but: ${told ? textOf(told) : ''}`)

/** Two alerts for one thing are two pages. */
function repeated(expected: Expected, heard: readonly Told[]): string[] {
  const alerts = new Set(heard.filter(told => matches(told, expected)).map(({ alert }) => alert.fingerprint))
  return alerts.size > 1 ? [`${expected.alert} came as ${alerts.size} alerts`] : []
}

/** Pages about mail come together, so that one notification has both symptom and cause; that about the exporter alone. */
function scattered(heard: readonly Told[], expected: readonly Expected[]): string[] {
  const pages = expected.filter(one => one.to === 'pager')
  const [exporter, mail] = [pages.filter(isOfExporter), pages.filter(one => !isOfExporter(one))]
  return [exporter, mail].flatMap(group => {
    const together = [...new Set(heard.map(({ notification }) => notification))].some(notification => {
      const held = heard.filter(told => told.notification === notification)
      return (
        group.every(one => held.some(told => matches(told, one))) &&
        held.every(told => isOfTheRun(told.alert.labels) || group.some(one => matches(told, one)))
      )
    })
    return together || group.length === 0 ? [] : [`not in one notification: ${group.map(one => one.alert).join(', ')}`]
  })
}
const isOfExporter = ({ alert }: Expected): boolean => alert.startsWith('Mailpath')

/** A template that found nothing, a secret, or no way to go on. */
function unfit(told: Told): string[] {
  const text = JSON.stringify(told.alert)
  const bad = ['<no value>', '{{', '<error', '+Inf', 'NaN', ...Object.values(secrets)].filter(part =>
    text.includes(part),
  )
  const missing = ['summary', 'description', 'runbook_url', 'dashboard_url'].filter(
    name => !told.alert.annotations[name],
  )
  return [...bad.map(part => `has "${part}" in it`), ...missing.map(name => `has no ${name}`)].map(
    problem => `${lineOf(told)} ${problem}`,
  )
}
