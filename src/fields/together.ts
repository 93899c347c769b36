import type * as z from 'zod'

/** A rule for a section with two keys of which neither means anything without the other. */
export const together =
  <Key extends string>(first: Key, second: Key) =>
  (value: Readonly<Partial<Record<Key, unknown>>>, context: z.RefinementCtx): void => {
    const [given, missing] = value[first] === undefined ? [second, first] : [first, second]
    if (value[given] !== undefined && value[missing] === undefined)
      context.addIssue({ code: 'custom', path: [given], message: `goes together with ${missing}` })
  }

/** A client certificate and its key. */
export const certificatePair = together('cert_file', 'key_file')
