import { X509Certificate } from 'node:crypto'

const block = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[^-]*-----END \1-----/g

/** Those certificates of a PEM text that can be read, in their order. TLS passes over the others without a word. */
export const certificatesIn = (pem: string): X509Certificate[] =>
  [...pem.matchAll(block)].flatMap(([text]) => certificateOf(text) ?? [])

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}
