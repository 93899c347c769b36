import type { SesAccount, SesAsked, SesIdentity, SesSeen, SesStatistics } from './seen.ts'

/** What SES said of the account and the sender, in a few words each. Empty if it did not say it, or was not asked. */
export function sesFacts({ asked }: SesSeen): readonly string[] {
  const account = accountOf(asked)
  return [
    ...(account ? quotaFact(account) : []),
    ...(asked?.identity?.kind === 'ok' ? identityFact(asked.identity.value) : []),
    ...(asked?.statistics?.kind === 'ok' ? statisticsFact(asked.statistics.value) : []),
  ]
}

/** What stands in the way of the account, in a word or two each. */
export function sesMarks({ asked }: SesSeen): readonly string[] {
  const { sendingEnabled, productionAccess, enforcement } = accountOf(asked) ?? {}
  return [
    ...(enforcement === 'SHUTDOWN' ? ['shut down'] : []),
    ...(enforcement === 'PROBATION' ? ['under review'] : []),
    ...(sendingEnabled === false ? ['paused'] : []),
    ...(productionAccess === false ? ['sandbox'] : []),
  ]
}

/** By the keys of the application, else by those of `monitor`. */
function accountOf(asked: SesAsked | undefined): SesAccount | undefined {
  if (asked?.account.kind === 'ok') return asked.account.value
  return asked?.monitored?.kind === 'ok' && asked.otherAccount !== true ? asked.monitored.value : undefined
}

const grouped = (n: number): string => n.toLocaleString('en')

function quotaFact({ sent24Hours: sent, max24Hours: max }: SesAccount): string[] {
  if (sent === undefined) return []
  const of = max === undefined || max < 0 ? '' : ` of ${grouped(max)}`
  return [`${grouped(sent)}${of} mails in 24 h`]
}

function identityFact({ verified, of, domain }: SesIdentity): string[] {
  if (verified !== true) return []
  return [of === 'address' || domain === undefined ? 'sender verified' : `sender verified by ${domain}`]
}

/** A share of few mails says little, so it is left out. */
const enough = 100

function statisticsFact({ attempts, bounces, complaints }: SesStatistics): string[] {
  const share = (n: number): string => `${Number(((n / attempts) * 100).toFixed(2))} %`
  return attempts < enough ? [] : [`${share(bounces)} bounced, ${share(complaints)} brought a complaint`]
}
