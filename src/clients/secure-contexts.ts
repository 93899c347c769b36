import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls'
import { fingerprint } from '../core/fingerprint.ts'
import { createRecent } from '../core/recent.ts'

/** By a hash of all that it is made of. So a changed file of authorities has another one at once. An exporter has a few. */
const recent = createRecent<SecureContext>(16)

/**
 * Adds what OpenSSL makes of the authorities, which is made once for all that trust the same. No session of TLS is kept in it.
 * One with a private key is not kept; nor is one that TLS refuses: then the handshake says why.
 */
export function withContext(options: ConnectionOptions): ConnectionOptions {
  if (options.ca === undefined || options.key !== undefined || options.pfx !== undefined) return options
  const secureContext = contextOf(options)
  return secureContext ? { ...options, secureContext } : options
}

function contextOf(options: ConnectionOptions): SecureContext | undefined {
  try {
    return recent(fingerprint(options), () => createSecureContext(options))
  } catch {
    return undefined
  }
}
