import { accountOf } from '../../clients/aws/account.ts'
import { refusesKeys } from '../../clients/aws/answers.ts'
import { awsEndpoint } from '../../clients/aws/endpoints.ts'
import { forgetKeysOfRole, keysOfRole } from '../../clients/aws/roles.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import { sesRegions, smtpPassword } from '../../clients/aws/smtp-password.ts'
import { addressOf } from '../../clients/http.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import { createMemo } from '../../core/memo.ts'
import type { Look } from '../../core/probe.ts'
import { readCredentials, type Pair } from './credentials.ts'
import { memoryOf } from './memory.ts'
import { remembered } from './remembered.ts'
import { askRound, type Round } from './round.ts'
import type { SesAsked, SesSeen } from './seen.ts'
import { usable } from './settings.ts'
import type { SesTarget } from './target.ts'
import { rememberTokens } from './tokens.ts'
import { readWanted, type SesWanted } from './wanted.ts'

/** Fetches the settings. If one cannot be read, the others are judged all the same. Then asks SES, if all of them are right. */
export async function observe(target: SesTarget, look: Look): Promise<SesSeen> {
  const { credentials, verify, implemented } = target
  const { token, region, pair, keys } = await readCredentials(target, look)
  const settings = {
    ...(pair && { access_key: pair.accessKey.setting, secret_key: pair.secretKey.setting }),
    region: region.setting,
  }
  const seen: SesSeen = { settings, smtpPasswords: pair && smtpPasswordsOf(target, pair, token.value) }
  const isComplete = keys !== undefined || credentials !== undefined
  if (token.unreadable !== undefined) return { ...seen, unreadable: [token.unreadable] }
  const at = usable(region)
  if (at === undefined || !isComplete || !verify || !implemented) return seen
  const wanted = await readWanted(target, at, look)
  return 'unreadable' in wanted ? { ...seen, ...wanted } : { ...seen, asked: await askWith(keys, target, wanted, look) }
}

const passwords = createMemo<SesTarget, ReadonlyMap<string, string>>()

/** Temporary keys have none. */
function smtpPasswordsOf(target: SesTarget, { secretKey }: Pair, token: string | undefined) {
  const value = usable(secretKey)
  if (value === undefined || token !== undefined) return undefined
  return passwords(
    target,
    [fingerprint(value)],
    () => new Map(sesRegions.map(region => [fingerprint(smtpPassword(value, region)), region])),
  )
}

/** Asks with the keys of the application, or with those of the exporter's own role. */
async function askWith(pair: AwsKeys | undefined, target: SesTarget, wanted: SesWanted, look: Look): Promise<SesAsked> {
  const { region } = wanted.service
  const address = addressOf(awsEndpoint(wanted.service))
  if (pair) return { address, ...(await askSes(pair, pair, target, wanted, look)) }
  const { credentials = 'container' } = target
  const { keys, unusable } = await look.phase('role', () => keysOfRole(target, { credentials, region }, look))
  if (!keys) return { address, account: { kind: 'error', text: unusable }, role: { unusable } }
  // The keys of a role change, and their account is that of the role.
  const asked = await askSes(keys, accountOf(keys.accessKey), target, wanted, look)
  // They may have been taken back before their end.
  if (refusesKeys(asked.account)) forgetKeysOfRole(target)
  return { address, ...asked, role: {} }
}

async function askSes(
  keys: AwsKeys,
  by: AwsKeys | string | undefined,
  target: SesTarget,
  wanted: SesWanted,
  look: Look,
): Promise<Omit<SesAsked, 'address'>> {
  const memory = memoryOf(target, wanted, by)
  const otherAccount = wanted.monitor && isOtherAccount(keys, wanted.monitor)
  const monitor = otherAccount === true ? undefined : wanted.monitor
  const { wait } = memory
  const waiting = wait !== undefined && performance.now() < wait.until
  const { stopped, clockSkewSeconds }: Round = waiting
    ? { stopped: wait.failure, clockSkewSeconds: undefined }
    : await askRound(memory, wanted, { own: keys, monitor }, look)
  rememberTokens(target, memory.questions)
  const missing = stopped ?? { kind: 'error', text: 'was not asked yet' }
  const { ageMs, ...facts } = remembered(memory.questions, missing, {
    intervalMs: look.intervalMs,
    hasMonitor: monitor !== undefined,
  })
  return {
    ...facts,
    otherAccount,
    clockSkewSeconds: clockSkewSeconds === undefined ? undefined : Math.round(clockSkewSeconds) || 0,
    ...(stopped?.kind === 'throttled' && {
      throttled: { seconds: ageMs === undefined ? undefined : Math.round(ageMs / 1000), waiting },
    }),
  }
}

/** Undefined if the keys do not tell. */
function isOtherAccount(keys: AwsKeys, monitor: AwsKeys): boolean | undefined {
  const [own, theirs] = [accountOf(keys.accessKey), accountOf(monitor.accessKey)]
  return own === undefined || theirs === undefined ? undefined : own !== theirs
}
