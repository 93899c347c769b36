import { given } from './no-plan.ts'

/** One `name=value` of a query, decoded. */
export interface Parameter {
  readonly name: string
  readonly value: string
}

/**
 * Parameters with a secret value. Text after one may be the rest of the secret, if it has an `&` that was not encoded.
 */
const secrets = new Set(['password', 'sslpassword', 'pass'])

/**
 * The name of a parameter in a form that may be shown. Nothing else of a URL is shown. A name that does not look like
 * one, or comes after a password, may be part of a secret.
 */
export function shownName(parameters: readonly Parameter[], at: number, known: ReadonlySet<string>): string {
  const name = parameters[at]?.name ?? ''
  if (known.has(name)) return name
  if (parameters.slice(0, at).some(one => secrets.has(one.name)))
    return 'a parameter after the password (write & of a password as %26)'
  return /^[A-Za-z][A-Za-z_.]{0,40}$/.test(name) ? name : 'a parameter whose name is none'
}

/** The last value of each name, as all drivers take it. */
export const lastOf = (parameters: readonly Parameter[]): ReadonlyMap<string, string> =>
  new Map(parameters.map(({ name, value }) => [name, value]))

/** The first of these that is given and not empty. */
export const firstOf = (...values: readonly (string | undefined)[]): string | undefined => values.find(given)
