import type { Want } from '../../core/want.ts'

/** What a record of each type holds. Names are in lower case, without a dot at the end. */
export interface RecordOf {
  readonly A: string
  readonly AAAA: string
  readonly CNAME: string
  readonly MX: { readonly preference: number; readonly exchange: string }
  readonly NS: string
  readonly PTR: string
  readonly SOA: { readonly primary: string; readonly serial: number }
  /** The strings of a record, joined without a space (RFC 7208, 3.3). A character for each byte. */
  readonly TXT: string
}
export type RecordType = keyof RecordOf

/** How a question ended, as the label `code`. */
export const queryCodes = [
  'noerror',
  'nodata',
  'nxdomain',
  'servfail',
  'refused',
  'timeout',
  'unreachable',
  'other',
] as const
export type QueryCode = (typeof queryCodes)[number]

/**
 * What is known of the records of a name. Only `none` is evidence of absence: NXDOMAIN (`exists: false`) or NODATA. `text` of a
 * failure is one line that names the server: `127.0.0.1:53 answers SERVFAIL for app.example.com TXT`.
 */
export type DnsAnswer<Data> =
  | { readonly kind: 'found'; readonly records: readonly Data[] }
  | { readonly kind: 'none'; readonly exists: boolean }
  | {
      readonly kind: 'failed'
      readonly code: QueryCode | 'too_many_queries'
      readonly text: string
      /** The exporter lacked something, so it could not ask: no server is to blame. */
      readonly want?: Want | undefined
    }

/** The questions of one run: bounded in number, and each asked once. */
export interface Dns {
  /** The servers that are asked, as `address:port`. */
  readonly servers: readonly string[]
  /**
   * Asks the servers, one after the other until one answers, each once. Aliases (CNAME) are followed. The name is data: one that
   * cannot be the name of a host, such as one with a space in it, is `none`. Rejects only with the signal's reason.
   */
  ask<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>>
  /** The same, of this server alone (`address` or `address:port`), and not out of the cache. */
  askAt<Type extends RecordType>(server: string, name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>>
  /** How the questions asked so far ended. */
  readonly counts: Readonly<Record<QueryCode, number>>
}

/** At most so many questions of a run, and at a time. */
export const mostQueries = 80
export const mostAtOnce = 10
