import { cut } from '../../../core/shown.ts'

/** What a policy of MTA-STS says (RFC 8461, 3.2). */
export interface StsPolicy {
  readonly mode: StsMode
  /** Names of mail servers, in lower case; `*.` in front stands for one label. */
  readonly mx: readonly string[]
}

export const mtaStsModes = ['enforce', 'testing', 'none'] as const
export type StsMode = (typeof mtaStsModes)[number]

/** A year, in seconds. */
const longestAge = 31_557_600
const mxPattern = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

/** The policy; or what is wrong with it, which completes "the policy …". Of a field that is there twice the first counts, except `mx`. */
export function readPolicy(text: string): StsPolicy | { readonly problem: string } {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
  const fields = lines.map(line => /^([A-Za-z0-9][\w.-]{0,31}):[ \t]*(.*?)[ \t]*$/.exec(line))
  const broken = fields.findIndex(field => field === null)
  if (broken >= 0) return { problem: `has a line that is not "key: value": ${cut(lines[broken] ?? '', 80)}` }
  const all = (key: string) => fields.flatMap(field => (field?.[1] === key ? [field[2] ?? ''] : []))
  const [[version], [mode], [age]] = [all('version'), all('mode'), all('max_age')]
  const mx = all('mx').map(name => name.toLowerCase())
  if (version !== 'STSv1')
    return { problem: version === undefined ? 'has no version' : 'has a version other than STSv1' }
  const known = mtaStsModes.find(one => one === mode)
  if (known === undefined)
    return { problem: mode === undefined ? 'has no mode' : `has an unknown mode: ${cut(mode, 40)}` }
  if (age === undefined) return { problem: 'has no max_age' }
  if (!/^\d{1,10}$/.test(age) || Number(age) > longestAge)
    return { problem: `has a max_age that is not a number of seconds up to ${longestAge}: ${cut(age, 40)}` }
  const odd = mx.find(name => !mxPattern.test(name))
  if (odd !== undefined) return { problem: `has an mx that is no name: ${cut(odd, 80)}` }
  if (mx.length === 0 && known !== 'none') return { problem: 'names no mx' }
  return { mode: known, mx }
}

/** Whether a policy allows a mail server (RFC 8461, 4.1): `*.example.com` is for one label more. */
export const covers = ({ mx }: StsPolicy, server: string): boolean =>
  mx.some(name => (name.startsWith('*.') ? name.slice(1) === server.slice(server.indexOf('.')) : name === server))
