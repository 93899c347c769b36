const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** Hours from UTC, of the zones that RFC 5322 §4.3 names. */
const zones: Readonly<Record<string, number | undefined>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
}

const form =
  /^(?:[a-z]{2,9},?\s{1,9})?(\d{1,2})\s{1,9}([a-z]{3})[a-z]{0,9}\s{1,9}(\d{2,4})\s{1,9}(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,9})?\s{1,9}(?:([+-])(\d\d)(\d\d)|([a-z]{1,5}))(?:\s|$)/i

/** A date of a mail (RFC 5322 §3.3), in milliseconds since the epoch; undefined if it is none, or its zone is not known. */
export function mailDate(text: string): number | undefined {
  const found = form.exec(text.trim())
  if (!found) return undefined
  const [, day = '', month = '', year = '', hour = '', minute = '', second = '0', sign, hours, minutes, zone] = found
  const offset = zone === undefined ? offsetOf(sign, Number(hours), Number(minutes)) : zones[zone.toLowerCase()]
  const monthIndex = months.indexOf(month.toLowerCase())
  const isValid = monthIndex >= 0 && +day >= 1 && +day <= 31 && +hour <= 23 && +minute <= 59 && +second <= 60
  if (!isValid || offset === undefined) return undefined
  return Date.UTC(fullYear(year), monthIndex, +day, +hour, +minute, +second) - offset * 3_600_000
}

const offsetOf = (sign: string | undefined, hours: number, minutes: number): number =>
  (sign === '-' ? -1 : 1) * (hours + minutes / 60)

/** RFC 5322 §4.3: two digits are 1950 to 2049, three are from 1900 on. */
function fullYear(text: string): number {
  const year = Number(text)
  if (text.length === 4) return year
  return year < 50 && text.length === 2 ? 2000 + year : 1900 + year
}
