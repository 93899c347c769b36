/** `12 mails wait`, `1 mail waits`; `more than 10000 mails wait` from one above the limit on. */
export function count(rows: number, limit: number, one: string, many: string): string {
  if (rows > limit) return `more than ${limit} mails ${many}`
  return rows === 1 ? `1 mail ${one}` : `${rows} mails ${many}`
}
