import type { IncomingMessage } from 'node:http'

/** The parameters of a request. */
export const queryOf = ({ url = '' }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])
