import { createHmac, randomBytes, type BinaryLike } from 'node:crypto'

const ofThisProcess = randomBytes(32)

/**
 * Stands for a value where the value must not be. Fingerprints made with one key can be compared; without it they are worth
 * nothing. By default the key is that of this process.
 */
export const fingerprint = (value: unknown, key: BinaryLike = ofThisProcess): string =>
  createHmac('sha256', key).update(JSON.stringify(value)).digest('base64')
