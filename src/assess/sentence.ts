import { checkId, type Verdict } from '../core/probe.ts'
import type { Blocker, MailStatus } from './assessment.ts'
import { isLossCode } from './canary.ts'

/** The answer in words. */
export const sentences: Readonly<Record<Verdict, string>> = {
  ok: 'Mail can be sent',
  warn: 'Mail can be sent, except …',
  fail: 'Mail cannot be sent',
  unknown: 'Unknown whether mail can be sent',
}

/** Whether all that blocks is a loss behind the relay. Such mail is sent: only its arrival fails. */
const isOnlyLost = (blockers: readonly Pick<Blocker, 'reason'>[]): boolean =>
  blockers.length > 0 && blockers.every(({ reason }) => isLossCode(reason.code))

/** The answer for these mail paths together. */
export function sentenceOf(verdict: Verdict, paths: readonly Pick<MailStatus, 'blockers'>[]): string {
  if (verdict === 'ok' || verdict === 'warn' || !isOnlyLost(paths.flatMap(path => path.blockers)))
    return sentences[verdict]
  return verdict === 'fail' ? 'Mail is sent, but does not arrive' : 'Mail is sent, unknown whether it arrives'
}

/** The answer for one mail path in a line, with where: `backend: BLOCKED by write_path/backend`. */
export function lineOf({ name, verdict, root, exceptions, blockers }: MailStatus): string {
  const where = root ? checkId(root) : 'something unknown'
  const broken = [...new Set(exceptions.map(checkId))].join(', ')
  const isLost = isOnlyLost(blockers)
  const ends: Record<Verdict, string> = {
    ok: 'OK',
    warn: `OK except for ${broken}`,
    fail: isLost ? `SENT, BUT DOES NOT ARRIVE because of ${where}` : `BLOCKED by ${where}`,
    unknown: isLost ? `SENT, UNKNOWN WHETHER IT ARRIVES because of ${where}` : `UNKNOWN because of ${where}`,
  }
  return `${name}: ${ends[verdict]}`
}
