import { checkId, type Target } from '../../core/probe.ts'
import type { DnsTarget } from './target.ts'

/** The checks of the relay and of the SES that a `dns` target names: `smtp/relay`. */
export const waysOf = ({ smtp, ses }: DnsTarget): readonly string[] => [
  ...(smtp === undefined ? [] : [checkId({ probe: 'smtp', target: smtp })]),
  ...(ses === undefined ? [] : [checkId({ probe: 'ses', target: ses })]),
]

/** The same of a check; none for any other kind. */
export const waysNamed = ({ probe, config }: { readonly probe: string; readonly config: Target }): readonly string[] =>
  // The kind says which schema the target has.
  probe === 'dns' ? waysOf(config as DnsTarget) : []
