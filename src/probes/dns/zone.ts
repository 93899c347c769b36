/** The servers of the zone that the domain is in, and the serials they have. */
export interface ZoneSeen {
  readonly name: string | undefined
  readonly servers: readonly { readonly name: string; readonly serial: number | undefined }[] | undefined
  /** Since when the serials differ, in milliseconds since the epoch; undefined: they do not, or it is not known. */
  readonly differSince: number | undefined
}
