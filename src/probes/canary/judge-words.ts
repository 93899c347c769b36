import { durationText } from '../../core/duration.ts'

/** The text, with what it is about in front, once. */
export const about = (subject: string, text: string): string =>
  text.startsWith(subject) ? text : `${subject}: ${text}`

/** `0.4 s`, `12 s`, `20 minutes` */
export const lasting = (ms: number): string =>
  ms < 10_000 ? `${Math.max(0, ms / 1000).toFixed(1)} s` : durationText(ms / 1000)

/** To the second: `2026-11-30T16:00:05Z`. */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
