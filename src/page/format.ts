import { type Reason, type Verdict } from '../core/probe.ts'
import { runbookUrl } from '../core/runbook.ts'
import { html, type Html } from './html.ts'

export const symbols: Readonly<Record<Verdict, string>> = { ok: '✓', warn: '!', fail: '✕', unknown: '?' }

/** A disc, a triangle, an octagon and a diamond, each with its symbol cut out: clear without colour. 16 × 16. */
export const shapes: Readonly<Record<Verdict, string>> = {
  ok: 'M8 .5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15zM4 8.3l1.3-1.3l1.8 1.8l3.7-3.8l1.3 1.3l-5 5.2z',
  warn: 'M8 .8L15.8 15H.2zM7.1 5.6h1.8l-.3 5h-1.2zM7.1 11.5h1.8v1.8h-1.8z',
  fail: 'M5 .5h6l4.5 4.5v6l-4.5 4.5h-6l-4.5-4.5v-6zM5 6.3L6.3 5L8 6.7L9.7 5L11 6.3L9.3 8L11 9.7L9.7 11L8 9.3L6.3 11L5 9.7L6.7 8z',
  unknown:
    'M8 0L16 8L8 16L0 8zM5.8 6.5C5.8 5.1 6.8 4.2 8.1 4.2C9.5 4.2 10.4 5.1 10.4 6.3C10.4 7.2 9.9 7.7 9.3 8.2C8.9 8.5 8.8 8.7 8.8 9.2H7.2C7.2 8.1 7.5 7.6 8.1 7.2C8.5 6.9 8.7 6.7 8.7 6.3C8.7 5.9 8.5 5.6 8.1 5.6C7.6 5.6 7.4 5.9 7.4 6.5zM7.2 10.2h1.6v1.6h-1.6z',
}

/** The shape of a verdict. Its word always stands beside it, so a screen reader skips the shape. */
export const icon = (verdict: Verdict): Html =>
  html`<svg class="icon ${verdict}" viewBox="0 0 16 16" aria-hidden="true"><use href="#shape-${verdict}" /></svg>`

/** Our own text, with `code` in backticks. */
export const prose = (text: string): Html =>
  html`${text.split('`').map((part, i, all) => (i % 2 === 1 && i < all.length - 1 ? html`<code>${part}</code>` : html`${part}`))}`

/** What a check does, in two or three words: `fails: read only`. */
export function inBrief(probe: string, verdict: Verdict, reason: Reason | undefined): string {
  if (verdict === 'ok') return 'ok'
  const word = { warn: 'warns', fail: 'fails', unknown: 'unknown' }[verdict]
  return reason ? `${word}: ${shortCode(probe, reason.code)}` : word
}

/** `write_path_read_only` of a write path is `read only`. */
export const shortCode = (probe: string, code: string): string => {
  const prefix = [`${probe}_`, `${probe.replace(/s$/, '')}_`].find(start => code.startsWith(start)) ?? ''
  return code.slice(prefix.length).replaceAll('_', ' ')
}

/** The code of a reason, which leads to its runbook, and its severity. */
export const codeOf = ({ code, severity }: Pick<Reason, 'code' | 'severity'>): Html =>
  html`<a href="${runbookUrl(code)}" title="Runbook">${code}</a> · ${severity}`

/** `5 s ago`, in the largest unit that fits. */
export const ago = (ms: number): string => (ms < 500 ? 'just now' : `${age(ms)} ago`)

/** How long ago something began, in the largest unit that fits: `12 min`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 100) return `${seconds} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

const dayMs = 86_400_000

/** `14:02 UTC`; with its date if it is not of the day of `at`. */
export function clock(ms: number, at: number): string {
  const isToday = Math.floor(ms / dayMs) === Math.floor(at / dayMs)
  return `${new Date(ms)
    .toISOString()
    .slice(isToday ? 11 : 0, 16)
    .replace('T', ' ')} UTC`
}

/** A duration: `0.4 ms`, `34 ms`, `1.25 s`, `15 s`. */
export function length(ms: number): string {
  if (ms < 9.95) return `${Number(ms.toFixed(1))} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${Number((ms / 1000).toFixed(2))} s` : `${Number((ms / 60_000).toFixed(1))} min`
}

/** `2026-01-14 03:12:07 UTC` */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** `1 node`, `2 nodes` */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
