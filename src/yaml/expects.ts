/** The message for a value of the wrong type, with what it should be. Never quotes the value: it may be a secret. */
export const expects =
  (what: string) =>
  ({ input }: { readonly input?: unknown }): string =>
    `${input === undefined ? 'is missing; ' : input === null ? 'is empty; ' : ''}expected ${what}`
