import { describe, expect, it } from 'vitest'
import { Unresolved } from '../../src/core/errors.ts'
import { looksLike, secretsIn } from '../../src/core/looks-like.ts'
import { misfit, shaped, shapes, type Shape } from '../../src/core/shape.ts'
import { wrongForms } from '../wrong-places.ts'

describe('what fits', () => {
  it.each<[keyof typeof shapes, string[]]>([
    [
      'host',
      [
        'db',
        'db-1.example.com',
        'db.',
        '_srv._tcp.example.com',
        'bücher.example',
        '10.0.0.1',
        '::1',
        'fe80::1%eth0',
        'a'.repeat(63),
      ],
    ],
    // The connection says what is wrong with it, as it does for the application.
    ['host', ['db\n', ' db']],
    ['hosts', ['db', 'db-1,db-2', '/run/postgresql', '/run/a,@b', 'db,', '10.0.0.1,::1']],
    ['ports', ['5432', '5432,5433', '5432,', ' 5432\n']],
    ['line', ['-c search_path="$user",public', 'my application']],
    ['servername', ['mail.example.com']],
    ['hello', ['mail.example.com', '[127.0.0.1]', '[IPv6:::1]']],
    [
      'user',
      [
        'app',
        'app user',
        'postmaster@example.com',
        'DOMAIN\\app',
        'apikey',
        'a:b',
        '日本',
        "o'neil",
        '[bot]',
        '<your-user>',
        '12345',
      ],
    ],
    ['database', ['app', 'app-db', 'my db', 'app@tenant']],
    ['table', ['beat', 'app.beat']],
    ['region', ['eu-west-1', 'us-gov-east-1']],
    ['word', ['smtp', ' ses\n']],
    ['path', ['/etc/ssl/ca.pem', './a b/{c}.pem', 'C:\\ca.pem', '/data/[a]/x']],
    ['name', ['DATABASE_URL', 'secret/data/app', 'tls.crt', 'admin/team']],
    ['version', ['1.2.3', '1.0.0-rc.1+5']],
  ])('%s: %j', (name, texts) => {
    for (const text of texts) expect([text, shapes[name].read(text) !== undefined]).toEqual([text, true])
  })

  it('a port is a number, with white space around it or not', () => {
    expect(['1', '587', ' 65535\n', '0587'].map(shapes.port.read)).toEqual([1, 587, 65_535, 587])
    for (const text of ['0', '65536', '5432/tcp', '33001,33000', 'NaN', '1e3', '0x1', '-1', '587.0', 'smtp', ''])
      expect([text, shapes.port.read(text)]).toEqual([text, undefined])
  })
})

describe('what is something else', () => {
  const forms = Object.entries(wrongForms('canary'))
  const shown: [string, Shape<unknown>][] = Object.entries(shapes)
  it.each(shown)('is no %s, and nothing of it is said', (_, shape) => {
    for (const [form, text] of forms) {
      expect([form, shape.read(text)]).toEqual([form, undefined])
      expect(() => shaped('field', text, shape)).toThrow(Unresolved)
      const said = misfit(text, shape)
      expect(said.startsWith(`expected ${shape.expected}`)).toBe(true)
      expect(said).not.toMatch(/canary|relay\.invalid|Kq7|587/)
    }
  })

  it.each([
    ['', 'it is empty'],
    ['smtp://app:pw@relay', 'it looks like a URL'],
    ['-----BEGIN PRIVATE KEY-----\nx', 'PEM'],
    ['{"a": 1}', 'a JSON document'],
    ['["a"]', 'a JSON document'],
    ['<?xml version="1.0"?><a/>', 'XML or HTML'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'a token'],
    ['"db"', 'it is in quotes: `docker run --env-file` keeps them; take them out'],
    ["'587'", 'in quotes'],
    [
      'tcp://10.96.0.12:587',
      'it begins with tcp://: Kubernetes injects such a variable for a Service of that name; set `enableServiceLinks: false`',
    ],
    ['udp://[fd00::1]:53', 'it begins with udp://'],
    ['${DB_HOST}', 'it holds ${DB_HOST}'],
    ['x-${DB_HOST:-hunter2}', 'it holds ${DB_HOST}: '],
    ['${hunter2}', 'it holds ${…}'],
    ['$(DB_HOST)', 'it holds $(…)'],
    ['{{ .Values.host }}', 'it holds {{ … }}'],
    ['app:pw@relay', 'user:password@host'],
    ['db:5432', 'a host with a port'],
    ['db-1,db-2', 'a list'],
    ['db\n', 'begins or ends with a line break'],
    ['a\nb', 'it holds a line break'],
    ['a\u0000b', 'a control character'],
    ['a b', 'white space'],
    ['a\uFFFDb', 'not UTF-8'],
  ])('%j: %s', (text, said) => {
    expect(looksLike(text)).toContain(said)
    expect(looksLike(text)).not.toContain('hunter2')
  })

  it('takes time in proportion to the text', () => {
    for (const part of [
      '{',
      '[',
      '"',
      '":',
      ':',
      '@',
      '\n',
      ' ',
      '${',
      '${A',
      '${A:',
      '$(',
      '{{',
      '<a',
      '<a>',
      'eyJ.',
      '://',
      'a:b@',
      '{"a\\"',
      '{"a\\\n',
      '"a",',
      "'",
    ])
      for (const text of [part.repeat(300_000), `[${part.repeat(300_000)}]`, `${part.repeat(300_000)}x`]) {
        looksLike(text)
        secretsIn(text)
        for (const shape of Object.values(shapes)) shape.read(text)
      }
  })
})

it('no path is a URL without its scheme', () => {
  for (const text of ['//app:hunter2@db/shop', '/app:hunter2@db', 'app:hunter2@db/shop'])
    expect([text, shapes.path.read(text)]).toEqual([text, undefined])
})

describe('the secrets in a text', () => {
  it.each([
    ['smtp://app:hun%40ter2@relay:587', ['hun%40ter2', 'hun@ter2']],
    ['postgres://app:Kq7z@Zt9mWx#4142@db/shop', ['Zt9mWx', '4142', 'Kq7z', 'Kq7z@Zt9mWx#4142']],
    ['postgres://app:4711/secret@db/shop', ['secret', '4711/secret']],
    ['postgres://db/shop?user=app&password=hunter2', ['hunter2']],
    ['app:hunter2@relay', ['hunter2']],
    ['{"user": "app", "password": "hunter2"}', ['hunter2']],
    ['relay\nhunter2\n587', ['hunter2']],
    ['"hunter2"', ['hunter2']],
    ['{"a\\"b": {"password":"hunter2"\n}}', ['hunter2']],
    ['{"password":"hunter2', ['hunter2']],
  ])('%j', (text, secrets) => {
    expect(secretsIn(text)).toEqual(expect.arrayContaining([text, ...secrets]))
  })
})
