import { createHmac, randomBytes, type BinaryLike } from 'node:crypto'

const keyOfProcess = randomBytes(32)

/**
 * A keyed hash that stands for a value where the value must not be. Equal values have equal fingerprints under one key, and
 * without the key a fingerprint says nothing. The default key is random and lasts as long as the process.
 */
export const fingerprint = (value: unknown, key: BinaryLike = keyOfProcess): string =>
  createHmac('sha256', key).update(JSON.stringify(value)).digest('base64')
