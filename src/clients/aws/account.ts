const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * The number of the AWS account that an access key belongs to, in 12 digits. It is in the id of the key: 40 bits, in
 * base32, behind the prefix and one bit that is set in all keys made since 2019. Undefined for older keys, which do not
 * have it. https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489
 */
export function accountOf(accessKey: string): string | undefined {
  const [, digits = ''] = /^A[A-Z0-9]{3}([Q-Z2-7][A-Z2-7]{15})$/.exec(accessKey) ?? []
  if (digits === '') return undefined
  // 45 bits, so that no part of it is lost in a number.
  const bits = Array.from(digits.slice(0, 9)).reduce((sum, digit) => sum * 32 + alphabet.indexOf(digit), 0)
  const account = Math.floor(bits / 16) % 2 ** 40
  return account < 1e12 ? String(account).padStart(12, '0') : undefined
}
