/** In the unit that fits: `20 s`, `20 minutes`, `3 hours`, `4 days`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} minutes`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} hours` : `${Math.floor(seconds / 86_400)} days`
}

/** To a tenth of a second below ten seconds: `0.4 s`, `12 s`, `20 minutes`. */
export const exactDuration = (ms: number): string =>
  ms < 10_000 ? `${Math.max(0, ms / 1000).toFixed(1)} s` : durationText(ms / 1000)

/** A moment in UTC, to the second: `2026-11-30T16:00:05Z`. */
export const utcTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** A moment in UTC, to the millisecond (ISO 8601): `2026-11-30T16:00:05.123Z`. */
export const isoTime = (ms: number): string => new Date(ms).toISOString()
