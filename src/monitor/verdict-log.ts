import type { Assessment, Plan } from '../assess/assessment.ts'
import type { Logger } from '../core/log.ts'
import type { Reason, Verdict } from '../core/probe.ts'
import { wanting } from '../core/starved.ts'
import type { Resource } from '../core/want.ts'

/** Logs what changes from one assessment to the next, and nothing while all stays the same. */
interface VerdictLog {
  /** Mail paths are logged once every check has run (`ready`). */
  write(assessment: Assessment, ready: boolean): void
  /** Forgets every check and mail path but these. */
  keep(checks: ReadonlySet<string>, mail: Plan['mail']): void
}

/** No check has such an id. */
const pathId = (name: string): string => `mail path ${name}`

export function createVerdictLog(log: Logger): VerdictLog {
  const logged = new Map<string, Verdict>()
  /** What the exporter was short of in the last assessment. */
  let short: ReadonlySet<Resource> = new Set()

  const change = (id: string, to: Verdict, about: object, reason: Reason | undefined, text: string): void => {
    const from = logged.get(id)
    if (from === to) return
    logged.set(id, to)
    log[to === 'ok' ? 'info' : 'warn']({ ...about, from, to, reason: reason?.code }, text)
  }

  /** One line for each resource, and not one for each check that is held up. */
  const writeStarved = ({ starved }: Assessment): void => {
    const now = new Set(starved.map(({ resource }) => resource))
    for (const { resource, reason, checks } of starved)
      if (!short.has(resource))
        log.warn({ reason: reason.code, resource, checks: checks.length, remedy: reason.remedy }, reason.text)
    for (const resource of short)
      if (!now.has(resource)) log.info({ resource }, `the exporter is no longer short of ${wanting[resource]}`)
    short = now
  }

  return {
    write(assessment, ready) {
      writeStarved(assessment)
      for (const { id, probe, target, verdict, reasons, evidence, observation } of assessment.checks)
        if (observation && reasons[0]?.want === undefined) change(id, verdict, { probe, target }, reasons[0], evidence)
      if (!ready) return
      for (const { name, verdict, root } of assessment.mail)
        change(pathId(name), verdict, { mail_path: name }, root?.reason, root?.reason.text ?? 'nothing blocks mail')
    },
    keep(checks, mail) {
      const stays = new Set([...checks, ...mail.map(({ name }) => pathId(name))])
      for (const id of logged.keys()) if (!stays.has(id)) logged.delete(id)
    },
  }
}
