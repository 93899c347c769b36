/**
 * The shipped files, made fast: every duration in them is divided by one number, and nothing else is changed. So what a
 * day would show of them takes minutes, and it is the shipped files that are proven.
 */
import { parse } from 'yaml'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const duration = String.raw`(\d+)(ms|[smhd])`

const divided = (count: string, unit: string, by: number): string =>
  `${Math.round((Number(count) * (unitMs[unit] ?? 0)) / by)}ms`

/**
 * In rules: ranges such as [130s], in annotations too; `for`, `keep_firing_for` and the interval of a group; products that
 * end in 60 or 3600, which are seconds. What only names a duration, such as the label `long: 1h`, stays as it is.
 */
export const scaleRules = (text: string, by: number): string =>
  text
    .replaceAll(
      new RegExp(String.raw`\[${duration}\]`, 'g'),
      (_, count: string, unit: string) => `[${divided(count, unit, by)}]`,
    )
    .replaceAll(
      new RegExp(String.raw`^( *(?:- )?(?:for|keep_firing_for|interval): )${duration}$`, 'gm'),
      (_, key: string, count: string, unit: string) => key + divided(count, unit, by),
    )
    .replaceAll(/\b\d+(?: \* \d+)* \* (?:60|3600)\b/g, seconds => `(${seconds} / ${by})`)

interface Receiver {
  readonly name: string
  readonly webhook_configs?: readonly object[]
}

/** In routes: `group_wait`, `group_interval` and `repeat_interval`. Each receiver gets `url` with its name behind it. */
export function scaleRoutes(text: string, by: number, url: string): string {
  const config = parse(text, (key, value: unknown) => {
    const [, count, unit] = new RegExp(`^${duration}$`).exec(typeof value === 'string' ? value : '') ?? []
    return /^group_(wait|interval)$|^repeat_interval$/.test(String(key)) && count !== undefined && unit !== undefined
      ? divided(count, unit, by)
      : value
  }) as { readonly receivers: readonly Receiver[] }
  const receivers = config.receivers.map(receiver => ({
    ...receiver,
    webhook_configs: receiver.webhook_configs?.map(webhook => ({ ...webhook, url: `${url}/${receiver.name}` })),
  }))
  // JSON is YAML.
  return JSON.stringify({ ...config, receivers }, null, 2)
}
