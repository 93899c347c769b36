/** Numbers for people. */

/** `12 mails wait`, `1 mail waits`; `more than 10000 mails wait` from one above the limit on. */
export function count(rows: number, limit: number, one: string, many: string): string {
  if (rows > limit) return `more than ${limit} mails ${many}`
  return rows === 1 ? `1 mail ${one}` : `${rows} mails ${many}`
}

/** In the unit that fits: `20 s`, `20 minutes`, `3 hours`, `4 days`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} minutes`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} hours` : `${Math.floor(seconds / 86_400)} days`
}
