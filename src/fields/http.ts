import { shapes } from '../core/shape.ts'
import { filePath, secret, text } from './index.ts'
import { together } from './together.ts'

/** The TLS files of what is asked over HTTP. `clientCertificate` says what `cert_file` is for. */
export const tlsFiles = (clientCertificate: string) => ({
  ca_file: filePath(
    'PEM file with the certificate of the authority. Default: the authorities of the system.',
  ).optional(),
  cert_file: filePath(clientCertificate).optional(),
  key_file: filePath('PEM file of the private key of `cert_file`, without a passphrase.').optional(),
})

/** The keys of a target with basic authentication. `user` says whose login it is. */
export const basicLogin = (user: string) => ({
  user: text(user, shapes.user).optional(),
  password: secret('Password of that user.').optional(),
})

/** The rule for a section with these keys. */
export const loginPair = together('user', 'password')
