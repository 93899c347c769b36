import { createHmac, randomBytes } from 'node:crypto'

/** Of this process alone: fingerprints made with it can be compared here, and are worth nothing anywhere else. */
const key = randomBytes(32)

/** Stands for a value where the value must not be. */
export const fingerprint = (text: string): string => createHmac('sha256', key).update(text).digest('base64')
