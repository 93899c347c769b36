/** The forms in which a server, a library or a proxy may repeat a secret. Each takes a text, and gives it in another form. */

type Spell = (text: string) => string

const bytesOf = (text: string): number[] => [...Buffer.from(text, 'utf8')]
const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0')
const each =
  (spell: (byte: number) => string): Spell =>
  text =>
    bytesOf(text).map(spell).join('')
const characters =
  (spell: (code: number, char: string) => string): Spell =>
  text =>
    Array.from(text, char => spell(char.codePointAt(0) ?? 0, char)).join('')
const units =
  (spell: (code: number) => string): Spell =>
  text =>
    Array.from({ length: text.length }, (_, i) => spell(text.charCodeAt(i))).join('')
const percentOf = (text: string): string => encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))
const isPlain = (byte: number): boolean => /[A-Za-z0-9]/.test(String.fromCharCode(byte))
const names: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '/': '&sol;',
  '@': '&commat;',
  '+': '&plus;',
  ü: '&uuml;',
}
const broken = (text: string, every: number, by: string): string =>
  Array.from(text)
    .map((char, i) => (i > 0 && i % every === 0 ? by + char : char))
    .join('')

/** Other letters for the same text, or the same in several lines. */
export const wordings: Readonly<Record<string, Spell>> = {
  'as it is': text => text,
  'in capitals': text => text.toUpperCase(),
  'in small letters': text => text.toLowerCase(),
  NFC: text => text.normalize('NFC'),
  NFD: text => text.normalize('NFD'),
  NFKC: text => text.normalize('NFKC'),
  'over lines': text => broken(text, 4, '\r\n'),
  'over lines that are folded': text => broken(text, 5, '\r\n\t'),
  'over lines of a reply': text => broken(text, 6, '\r\n550-'),
  'over lines of a reply with enhanced codes': text => broken(text, 5, '\r\n550-5.7.1 '),
  'over lines that became spaces': text => broken(text, 4, ' '),
  'with zero width within': text => broken(text, 2, '\u200b'),
  'with an override': text => broken(text, 3, '\u202e'),
}

/** Escapes that keep every byte. */
export const escapings: Readonly<Record<string, Spell>> = {
  'percent, in capitals': percentOf,
  'percent, in small letters': text => percentOf(text).replace(/%../g, code => code.toLowerCase()),
  'percent, mixed': text =>
    percentOf(text).replace(/%../g, (code, at: number) => (at % 2 === 0 ? code : code.toLowerCase())),
  'percent, all of it': each(byte => `%${hexOf(byte)}`),
  'percent, every other': text =>
    bytesOf(text)
      .map((byte, i) => (i % 2 === 0 || !isPlain(byte) ? `%${hexOf(byte)}` : String.fromCharCode(byte)))
      .join(''),
  'of a form': text => new URLSearchParams({ a: text }).toString().slice(2),
  'HTML, named': text => text.replace(/[&<>"'/@+ü]/g, char => names[char] ?? char),
  'HTML, decimal': characters(code => `&#${code};`),
  'HTML, hex': characters(code => `&#x${code.toString(16)};`),
  'HTML, hex in capitals': characters(code => `&#X${code.toString(16).toUpperCase()};`),
  JSON: text => JSON.stringify(text).slice(1, -1),
  'JSON of PHP': text =>
    JSON.stringify(text)
      .slice(1, -1)
      .replaceAll('/', '\\/')
      .replace(
        /[^\0-\x7f]/g,
        units(code => `\\u${code.toString(16).padStart(4, '0')}`),
      ),
  'JSON, all of it': units(code => `\\u${code.toString(16).padStart(4, '0').toUpperCase()}`),
  'C, hex': each(byte => `\\x${hexOf(byte)}`),
  'C, octal': each(byte => `\\${byte.toString(8).padStart(3, '0')}`),
  'SQL, quotes': text => text.replaceAll("'", "''"),
  'SQL, E': text => text.replaceAll('\\', '\\\\').replaceAll("'", "''"),
  hex: each(hexOf),
  'hex in capitals': each(byte => hexOf(byte).toUpperCase()),
  base64: text => Buffer.from(text, 'utf8').toString('base64'),
  base64url: text => Buffer.from(text, 'utf8').toString('base64url'),
  'AUTH PLAIN': text => Buffer.from(`\0me\0${text}`, 'utf8').toString('base64'),
  XOAUTH2: text => Buffer.from(`user=me\x01auth=Bearer ${text}\x01\x01`, 'utf8').toString('base64'),
  'base64 of a mail': text =>
    Buffer.from(`some text before ${text} and then some more behind it`, 'utf8')
      .toString('base64')
      .replace(/.{36}/g, '$&\r\n'),
  'quoted-printable': text =>
    bytesOf(text)
      .map(byte =>
        byte >= 33 && byte <= 126 && byte !== 61 ? String.fromCharCode(byte) : `=${hexOf(byte).toUpperCase()}`,
      )
      .join('')
      .replace(/(?:=..|[^=]){6}(?!$)/g, '$&=\r\n'),
}
