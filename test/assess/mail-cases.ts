import type { MailStatus } from '../../src/assess/assessment.ts'
import type { Sample } from '../../src/core/metric.ts'
import type { Verdict } from '../../src/core/probe.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import type { SesSeen } from '../../src/probes/ses/seen.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import { askedSes, refusedBySes } from '../status/ses.ts'
import { assessed, checkOf, intervalMs, judged, pathTarget, reported, start, type Looked } from '../status/looked.ts'

/** The ways in which each necessity of a mail path can stand. */
const dimensions = {
  provider: ['smtp', 'ses', 'other', 'unreadable'],
  write: ['ok', 'warn', 'fail', 'unknown', 'stale'],
  smtp: ['ok', 'warn', 'fail', 'unknown', 'none'],
  ses: ['none', 'absent', 'stub', 'partial', 'not asked', 'proven', 'warned', 'refused', 'denied'],
  fallback: ['not said', 'smtp', 'ses', 'none'],
  vault: ['ok', 'down, and the SMTP password comes from it', 'down, and nothing comes from it'],
  setting: ['ok', 'fail', 'unknown'],
} as const
export type MailCase = { readonly [Name in keyof typeof dimensions]: (typeof dimensions)[Name][number] }

/** All is well, by SMTP. */
export const fine: MailCase = {
  provider: 'smtp',
  write: 'ok',
  smtp: 'ok',
  ses: 'none',
  fallback: 'not said',
  vault: 'ok',
  setting: 'ok',
}

export function everyCase(): MailCase[] {
  let cases: Record<string, string>[] = [{}]
  for (const [name, values] of Object.entries(dimensions))
    cases = cases.flatMap(one => values.map(value => ({ ...one, [name]: value })))
  return cases as unknown as MailCase[]
}

const codes = {
  write: {
    ok: [],
    warn: ['write_path_unlisted_node'],
    fail: ['write_path_read_only'],
    unknown: ['probe_error'],
    stale: [],
  },
  smtp: {
    ok: [],
    warn: ['smtp_certificate_expires_soon'],
    fail: ['smtp_auth_failed'],
    unknown: ['smtp_password_unresolved'],
  },
  setting: { ok: [], fail: ['setting_absent'], unknown: ['setting_unreadable'] },
  provider: { other: 'mail_provider_unknown', unreadable: 'reference_unresolved' },
  vault: 'vault_sealed',
} as const

export const mailTarget: MailTarget = mail.target.parse({ name: 'backend' })
/** As the configuration says of its fallback. */
export const mailOf = ({ fallback }: MailCase): MailTarget =>
  fallback === 'not said' ? mailTarget : { ...mailTarget, fallback }
export const smtpTarget = smtp.target.parse({ name: 'relay', host: 'mail.keybuzz.io' })
const vaultTarget = vault.target.parse({ name: 'vault-01', url: 'https://vault-01:8200' })
export const settingsTarget = settings.target.parse({
  name: 'backend-01',
  from: { dotenv: '/app/.env' },
  expect: { SMTP_HOST: { present: true } },
})

export const provider = (name: MailCase['provider']): Looked => {
  const check = checkOf(mail, mailTarget)
  if (name === 'unreadable') return { check, observation: reported(mail, mailTarget, ['reference_unresolved']) }
  return { check, observation: judged(mail, mailTarget, { provider: name === 'other' ? undefined : name }) }
}

type SesState = Exclude<MailCase['ses'], 'none'> | 'unreadable'
const sesTargetOf = (more: object) =>
  ses.target.parse({
    name: 'backend SES',
    access_key: { env: 'AWS_SES_ACCESS_KEY' },
    secret_key: { env: 'AWS_SES_SECRET_KEY' },
    region: 'eu-west-1',
    from: 'no-reply@keybuzz.io',
    ...more,
  })
const [asksSes, asksNobody, isStub] = [{}, { verify: false }, { implemented: false }].map(sesTargetOf)
const present = { state: 'well_formed', source: 'env' } as const
const absent = { state: 'absent', source: 'env' } as const
const unreadable = { state: 'unreadable', source: 'vault', why: 'vault-01 is sealed' } as const
const complete: SesSeen['settings'] = { access_key: present, secret_key: present, region: present }
const sesSeen: Record<SesState, SesSeen> = {
  absent: { settings: { access_key: absent, secret_key: absent, region: absent } },
  stub: { settings: complete },
  partial: { settings: { ...complete, secret_key: absent } },
  'not asked': { settings: complete },
  unreadable: { settings: { access_key: unreadable, secret_key: unreadable, region: present } },
  proven: { settings: complete, asked: askedSes() },
  warned: { settings: complete, asked: askedSes({ sent24Hours: 45_000 }) },
  refused: { settings: complete, asked: { ...askedSes(), ...refusedBySes('key_unknown') } },
  denied: { settings: complete, asked: { ...askedSes(), ...refusedBySes('denied', 'ses:GetAccount') } },
}

/** The SES settings of an application, and what SES says of them, as the probe judges it. */
export function account(state: SesState, needs: readonly string[] = []): Looked {
  const target = state === 'stub' ? isStub : state === 'not asked' ? asksNobody : asksSes
  if (!target) throw new Error('there is no such target')
  const observation = { ...judged(ses, target, sesSeen[state]), unmet: needs }
  return { check: checkOf(ses, target, needs), observation }
}

const writeTarget = pathTarget('haproxy-write')

/** Most of the time of going through all cases would go into making the same checks. They are never changed. */
const made = new Map<string, Looked>()
function once(what: string, make: () => Looked): Looked {
  const known = made.get(what) ?? make()
  made.set(what, known)
  return known
}

/** The checks of a platform that stands like this. */
export function platform(one: MailCase): Looked[] {
  const { write, setting } = codes
  const needs = one.vault === 'down, and the SMTP password comes from it' ? ['vault/vault-01'] : []
  const at = one.write === 'stale' ? start - 4 * intervalMs : start
  const { smtp: relayIs, ses: accountIs } = one
  return [
    once(`write path ${one.write}`, () => ({
      check: checkOf(writePath, writeTarget),
      observation: reported(writePath, writeTarget, write[one.write], { at }),
    })),
    ...(relayIs === 'none' ? [] : [once(`relay ${relayIs} ${needs.join()}`, () => relay(codes.smtp[relayIs], needs))]),
    once(`Vault ${one.vault}`, () => vaultNode(one.vault === 'ok' ? [] : [codes.vault])),
    ...(accountIs === 'none' ? [] : [once(`SES ${accountIs}`, () => account(accountIs))]),
    once(`settings ${one.setting}`, () => ({
      check: checkOf(settings, settingsTarget),
      observation: reported(settings, settingsTarget, setting[one.setting]),
    })),
    once(`provider ${one.provider}`, () => provider(one.provider)),
  ]
}

export const relay = (reasons: readonly string[], needs: readonly string[] = []): Looked => ({
  check: checkOf(smtp, smtpTarget, needs),
  observation: reported(smtp, smtpTarget, reasons, { unmet: needs }),
})

export const vaultNode = (reasons: readonly string[]): Looked => ({
  check: checkOf(vault, vaultTarget),
  observation: reported(vault, vaultTarget, reasons),
})

/** The mail path over a platform. */
export function pathOver(
  all: readonly Looked[],
  target: MailTarget = mailTarget,
): { status: MailStatus; samples: readonly Sample[] } {
  const { mail: paths, samples } = assessed(all, { mail: [target] })
  const [status] = paths
  if (!status) throw new Error('there is no mail path')
  return { status, samples }
}
export const outcomeOf = ({ verdict, root }: MailStatus) => ({ verdict, root: root?.reason.code })
export const exceptionsOf = ({ exceptions }: MailStatus) => exceptions.map(({ reason }) => reason.code)

interface Expected {
  readonly verdict: Verdict
  /** Code of the root's reason. */
  readonly root: string | undefined
}

/** The rules of the design in other words than the code: a second opinion. */
export function expected(one: MailCase): Expected {
  const able = { smtp: smtpAble[one.smtp], ses: sesAble[one.ses] }
  const known = one.provider === 'smtp' || one.provider === 'ses'
  const chosen = known ? one.provider : able.smtp || !able.ses ? 'smtp' : 'ses'
  const other = chosen === 'smtp' ? 'ses' : 'smtp'
  const alone = known && one.fallback !== 'not said' && one.fallback !== other
  const counts = alone ? { smtp: undefined, ses: undefined, [chosen]: able[chosen] } : able
  const works = counts[chosen] === 'yes'
  const notSaid = known && !works && counts[other] === 'yes' && one.fallback === 'not said'
  const delivered = works || (counts[other] === 'yes' && !notSaid)
  const impossible =
    able[chosen] === 'no' && !notSaid && Object.values(counts).every(way => way === 'no' || way === undefined)
  const smtpBlocks = !delivered && counts.smtp !== undefined && counts.smtp !== 'yes'
  const sesBlocks = !delivered && counts.ses !== undefined

  const failing = [
    one.setting === 'fail' && codes.setting.fail[0],
    one.write === 'fail' && codes.write.fail[0],
    impossible && chosen === 'ses' && deadSes[one.ses],
    impossible && smtpBlocks && one.smtp === 'fail' && codes.smtp.fail[0],
    impossible && sesBlocks && deadSes[one.ses],
  ]
  const unknown = [
    smtpBlocks && one.smtp === 'unknown' && one.vault === 'down, and the SMTP password comes from it' && codes.vault,
    one.provider === 'unreadable' && codes.provider.unreadable,
    smtpBlocks && one.smtp === 'unknown' && codes.smtp.unknown[0],
    one.provider === 'other' && codes.provider.other,
    !delivered && able[chosen] === undefined && 'mail_provider_not_probed',
    notSaid && 'mail_fallback_not_said',
    one.setting === 'unknown' && codes.setting.unknown[0],
    one.write === 'unknown' && codes.write.unknown[0],
    one.write === 'stale' && 'stale',
    !delivered && chosen === 'ses' && wrongWithSes[one.ses],
    smtpBlocks && one.smtp === 'fail' && codes.smtp.fail[0],
    sesBlocks && wrongWithSes[one.ses],
  ]
  const isUsed = (way: 'smtp' | 'ses') => chosen === way || (!works && !alone)
  const survived = [
    one.write === 'warn',
    one.vault !== 'ok',
    one.smtp === 'warn' && isUsed('smtp'),
    one.ses === 'warned' && isUsed('ses'),
    one.smtp === 'fail',
    one.ses === 'partial' || one.ses === 'refused',
    delivered && !works,
  ]
  const root = { fail: failing.find(is => is), unknown: unknown.find(is => is) }
  if (root.fail) return { verdict: 'fail', root: root.fail }
  if (root.unknown) return { verdict: 'unknown', root: root.unknown }
  return { verdict: survived.includes(true) ? 'warn' : 'ok', root: undefined }
}

/** Undefined where there is no target of the kind. */
const smtpAble = { ok: 'yes', warn: 'yes', fail: 'no', unknown: 'unknown', none: undefined } as const
const sesAble = {
  ...{ absent: 'no', stub: 'no', partial: 'no', refused: 'no' },
  ...{ 'not asked': 'unknown', denied: 'unknown', proven: 'yes', warned: 'yes', none: undefined },
} as const
const deadSes = {
  ...{ absent: 'ses_absent', stub: 'ses_stub', partial: 'ses_partial', refused: 'ses_key_unknown' },
  ...{ 'not asked': undefined, denied: undefined, proven: undefined, warned: undefined, none: undefined },
} as const
const wrongWithSes = { ...deadSes, 'not asked': 'ses_not_verified', denied: 'ses_permission_missing' } as const
