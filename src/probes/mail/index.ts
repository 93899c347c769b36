import * as z from 'zod'
import { section, targetFields, targetName, text } from '../../fields/index.ts'
import { gauge, sample } from '../../core/metric.ts'
import { defineProbe, finding, reasonsOf, type Look, type ReasonSpec, type Target } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { byKind, kindsOf, needRow } from '../needs.ts'

const listed = kindsOf('needed', 'way out', 'belief', 'proof')
type Lists = { readonly [Kind in (typeof listed)[number]]?: readonly string[] | undefined }

/** A mail path: an application that sends mail, and what it needs. A missing list means all targets of that kind. */
export interface MailTarget extends Target, Lists {
  readonly provider: Resolvable
  readonly fallback?: Provider | 'none' | undefined
}

export const providers = kindsOf('way out')
export type Provider = (typeof providers)[number]

/** The provider if none is known: the first that has a target. */
export const firstProvider = (isThere: (provider: Provider) => boolean): Provider => providers.find(isThere) ?? 'smtp'

/** The names of the targets of a kind that a mail path lists; undefined for all of them. */
export function namesFor(path: MailTarget, kind: string): readonly string[] | undefined {
  if (needRow(kind)?.need === 'own') return [path.name]
  const list = listed.find(one => one === kind)
  return list ? path[list] : []
}

export interface MailSeen {
  /** Undefined if the setting has another value. That one is not kept: it may be any text of a settings file. */
  readonly provider: Provider | undefined
}

const targets = (kind: string) =>
  z
    .array(targetName(kind), { error: `expected a list of names of ${kind} targets` })
    .optional()
    .describe(
      needRow(kind)?.need === 'proof'
        ? `The \`${kind}\` targets that prove that its mail arrives. Default: all that leave by one of its ways out.`
        : `The \`${kind}\` targets it needs. Default: all of them.`,
    )

export const metrics = {
  provider: gauge(
    'mailpath_mail_provider',
    'The provider the application is set to send mail with (1 for the current one).',
    ['mail_path', 'provider'],
  ),
}

const reasons = {
  mail_provider_unknown: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'The application is set to a mail provider that this exporter cannot check.',
    remedy: `Set the provider to one of ${providers.join(', ')}.`,
  },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(reasons)

/** Which provider an application is set to send with. The assessment decides whether it can. */
export const mail = defineProbe({
  kind: 'mail',
  summary: 'An application that sends mail: its provider, and the write paths and relays it needs.',
  target: section({
    ...targetFields,
    provider: text(`What the application sends with: ${providers.join(' or ')}.`, shapes.word).default('smtp'),
    fallback: z
      .enum([...providers, 'none'])
      .optional()
      .describe(
        'What its sender does if the provider fails: it sends with the other one (`smtp`, `ses`), or not at all (`none`). If this is not set and would make the difference, mail is `unknown`.',
      ),
    ...byKind(listed, targets),
  }),
  metrics,
  reasons,
  async observe(target: MailTarget, look: Look): Promise<MailSeen> {
    const set = (await look.text('provider', target.provider, shapes.word)).toLowerCase()
    return { provider: providers.find(known => known === set) }
  },
  judge(seen, target) {
    const { provider } = seen
    const samples = providers.flatMap(name =>
      sample(metrics.provider, provider && name === provider, { mail_path: target.name, provider: name }),
    )
    const unknown = reason(
      'mail_provider_unknown',
      `the provider is set to something else than ${providers.join(' or ')}`,
    )
    const fallback = target.fallback === 'none' || target.fallback === provider ? undefined : target.fallback
    const evidence = `sends with ${provider ?? ''}${fallback ? `, falls back to ${fallback}` : ''}`
    return finding(evidence, provider ? [] : [unknown], samples)
  },
})
