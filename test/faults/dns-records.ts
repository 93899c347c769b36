/** Records of a domain that sends as it should, and what goes wrong with them. */

/** Their data by `name TYPE`, as in a zone file; that of TXT is the text itself. */
export type Records = Readonly<Record<string, readonly string[]>>

/** RSA of 2048 bits, of 1024 (RFC 6376, appendix C) and of 512; and ed25519. */
export const keys = {
  good: 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx+q8vbbcsEll0jw0UqRayod5V0LUKl+JFft4HrIWZ56aHuqyYmGViR6XaRiqaZ/vqy2eFZxBum59Q4It7oDHzO7nTfSyrL6U3CzmLdyFcNI822HABtRgGLKR4w/rShHSP574Kbkr9OCzaMJGC7Yl24KEXsBQHs3otnJPUQOQ/JAsT58xEBs6ge329ynDfgetPMlPfu6suYdQ3jNQbeubdim3mRXYOdqS3qvPLIryLIx2gZPXsP0fX56Fdv9X8xjQGzK2I2FXdiMN9yB98OBqi3Gu59bXyf8k/SeCoSCdSfUCNFI3QwNrtM4YlBpHQUXgE6V+L4HjQTsgaPyaOeroGwIDAQAB',
  short:
    'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB',
  broken:
    'MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMFeeRC4UBZpjHtXU7QW7/3X8SL+wWXC5QyAHLcuwhVHWPHU0lAAxb92Yd/4sjFcrMiSh3wRIxLZmU5MI1M4RhUCAwEAAQ==',
  ed25519: '+OD+d6SNv5rwdq7PGZmPqnGz0jmzppYHqgbiiOXQ5Bs=',
} as const

export const rsaKey = (key: string): string => `v=DKIM1; k=rsa; p=${key}`

/** Its mail is from `@app.example.com`, with bounces to `@bounce.app.example.com`. */
export const domain = 'app.example.com'
export const envelope = `bounce.${domain}`
/** The host that it leaves from. */
export const host = { name: 'relay.example.com', address: '192.0.2.10', reverse: '10.2.0.192.in-addr.arpa' } as const

/** What it says hello with. */
export const hello = 'out.example.com'

/** Their names: receivers ask for the policy of `com` as well. What is not in them is refused. */
export const zones = ['com', 'net', 'example.com', 'example.net', '2.0.192.in-addr.arpa', 'dkim.amazonses.com'] as const

export const selectors = [`s1._domainkey.${domain}`, `s2._domainkey.${domain}`] as const

/** Receivers believe all of it. */
export const good: Records = {
  [`${domain} MX`]: ['10 mail.example.com.'],
  [`${envelope} MX`]: ['10 mail.example.com.'],
  'mail.example.com A': ['192.0.2.25'],
  [`${envelope} TXT`]: ['v=spf1 ip4:192.0.2.10 include:_spf.example.net -all', 'site-verification=1234'],
  '_spf.example.net TXT': ['v=spf1 ip4:198.51.100.0/24 -all'],
  [`${selectors[0]} TXT`]: [rsaKey(keys.good)],
  // That of a provider.
  [`${selectors[1]} CNAME`]: ['s2.keys.example.net.'],
  's2.keys.example.net TXT': [rsaKey(keys.good)],
  '_dmarc.example.com TXT': ['v=DMARC1; p=reject; rua=mailto:dmarc@example.net'],
  'example.com._report._dmarc.example.net TXT': ['v=DMARC1'],
  [`${host.name} A`]: [host.address],
  [`${hello} A`]: [host.address],
  [`${host.reverse} PTR`]: [`${host.name}.`],
}
