import { given } from './no-plan.ts'

/** One `name=value` of a query, decoded. */
export interface Parameter {
  readonly name: string
  readonly value: string
}

/** Parameters whose value is a secret. What stands behind one may be its rest, where a `&` in it was not encoded. */
const secrets = new Set(['password', 'sslpassword', 'pass'])

/**
 * The name of a parameter as it may be shown. Nothing else of a URL is shown, and a name that does not look like one, or
 * stands behind a password, may be a part of a secret.
 */
export function shownName(parameters: readonly Parameter[], at: number, known: ReadonlySet<string>): string {
  const name = parameters[at]?.name ?? ''
  if (known.has(name)) return name
  if (parameters.slice(0, at).some(one => secrets.has(one.name)))
    return 'a parameter after the password (write & of a password as %26)'
  return /^[A-Za-z][A-Za-z_.]{0,40}$/.test(name) ? name : 'a parameter whose name is none'
}

/** The last value of each name counts: so all drivers have it. */
export const lastOf = (parameters: readonly Parameter[]): ReadonlyMap<string, string> =>
  new Map(parameters.map(({ name, value }) => [name, value]))

/** The first of these that is given, and not empty. */
export const firstOf = (...values: readonly (string | undefined)[]): string | undefined => values.find(given)
