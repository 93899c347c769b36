import fc from 'fast-check'
import { Marked } from 'marked'
import { describe, expect, it } from 'vitest'
import { createLog, logFormats } from '../../src/core/log.ts'
import { gauge, sample } from '../../src/core/metric.ts'
import { finding } from '../../src/core/probe.ts'
import { inLines, isReadable, json, shownLines, visible } from '../../src/core/shown.ts'
import { statusJson } from '../../src/report/api.ts'
import { renderFailures } from '../../src/page/failures.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { html } from '../../src/page/html.ts'
import { escapeMarkdown, inMarkdown, markdownBlocks, tableOf } from '../../src/report/markdown.ts'
import { renderPage } from '../../src/page/page.ts'
import { expose } from '../../src/exposition/text-format.ts'
import { report, reportFormats } from '../../src/report/report.ts'
import { transcriptLines } from '../../src/page/run-text.ts'
import { cell, tableLines } from '../../src/report/table.ts'
import { mailTarget, smtpTarget } from '../assess/mail-cases.ts'
import { checkOf, nodeTarget, observationOf, statusFrom } from '../status/looked.ts'

const seed = 20_260_112
/** Nothing of these may reach a person. A line break may. */
const never =
  /[\0-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ufdd0-\ufdef]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}|\p{Mark}{7}/u

const attacks: Readonly<Record<string, string>> = {
  override: 'db-\u202e1 si ko\u202c',
  isolate: '\u2066a\u2067b\u2068c\u2069\u061c\u200e\u200f',
  'zero width': 're\u200blay\u200c.\u200d\u2060x\ufeff\u00ad\u034f',
  fillers: 'a\u3164\uffa0\u115f\u1160\u17b4\u180eb',
  tags: 'ok\u{e0001}\u{e0041}\u{e007f}\ufe0f\u{e0100}',
  lines: 'a\u2028b\u2029c\u0085d\r\ne\nf',
  annotation: 'a\ufff9b\ufffac\ufffb',
  half: 'a\ud800b\udc00c',
  'no character': 'a\uffff\ufdd0b',
  terminal: '\u001b[2J\u001b]0;owned\u0007\u009b31m\u001b]8;;http://evil.example\u001b\\x\u0008\u007f',
  zalgo: `Z${'\u0301\u0336'.repeat(200)}algo`,
  markup: '<script>alert(1)</script><img src=x onerror=alert(1)>" onclick="x" \' </style></title>-->',
  long: 'long '.repeat(20_000),
}
const harmless = ['Mädchen', '日本語のホスト', 'مرحبا', 'שָׁלוֹם', 'e\u0301', 'Việt Nam', 'ภาษาไทย', '📬 ok']

/** A status that has the text in every place that takes one from outside. */
function statusOf(text: string) {
  const reason = {
    code: 'smtp_login_refused',
    verdict: 'fail',
    severity: 'critical',
    text: `relay: "${text}"`,
    remedy: `Ask about ${text}`,
  } as const
  const relay = { ...smtpTarget, name: `relay ${text}` }
  const db = { ...nodeTarget('db-1'), name: `db ${text}` }
  return statusFrom(
    [
      { check: checkOf(smtp, relay), observation: observationOf('smtp', relay, finding(text, [reason], [])) },
      { check: checkOf(postgres, db), observation: observationOf('postgres', db, finding(text, [], [])) },
    ],
    { mail: [{ ...mailTarget, name: `app ${text}` }] },
  )
}

const about = { version: '1' }
const labelled = gauge('mailpath_test_label', 'A test.', ['version'])

async function outputsOf(text: string): Promise<Record<string, string>> {
  const of = statusOf(text)
  const [first] = of.checks
  if (!first) throw new Error('there is no check')
  const note = { atMs: 1, phase: 'talk', text }
  const failed = {
    startedAt: 0,
    tookMs: 1,
    verdict: 'fail' as const,
    reasons: first.reasons,
    transcript: [note],
    inRow: 1,
  }
  const logs = logFormats.map(format => {
    const lines: string[] = []
    const log = createLog('info', format, line => lines.push(line))
    log.child({ of: text }).info({ error: text, deep: [{ text }] }, text)
    return [`log, ${format}`, lines.join('')] as const
  })
  return {
    ...Object.fromEntries(reportFormats.map(format => [`check, ${format}`, report(of, { format })])),
    ...Object.fromEntries(logs),
    page: renderPage(of, { ...about, configFile: text }),
    failures: renderFailures(first, [failed], 0),
    transcript: inLines(transcriptLines([note])),
    API: json(statusJson(of)),
    metrics: await expose([sample(labelled, 1, { version: text })], 'prometheus'),
    'an error': shownLines(`mailpath.yml:1:1: ${text}`),
  }
}

describe.each(Object.entries(attacks))('an attack by text: %s', (_, text) => {
  it('comes through no output', async () => {
    for (const [output, written] of Object.entries(await outputsOf(text))) {
      expect(never.exec(written.replaceAll('\r\n', '\n'))?.[0], output).toBe(undefined)
      expect(Buffer.from(written, 'utf8').toString('utf8'), output).toBe(written)
    }
  })

  it('makes no element and no attribute of the pages', async () => {
    const shape = (markup = ''): string[] =>
      [...markup.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'))
    const [attacked, usual] = [await outputsOf(text), await outputsOf('usual')]
    for (const page of ['page', 'failures'] as const) {
      // A line break of a transcript is one of its page.
      const without = (tags: string[]): string[] => tags.filter(tag => tag !== '<br />')
      expect(without(shape(attacked[page]))).toEqual(without(shape(usual[page])))
    }
  })
})

it('a record of the log is one line of JSON, and holds the text whole', () => {
  const lines: string[] = []
  createLog('info', 'json', line => lines.push(line)).error({ error: 'one\ntwo \u202e"three"\\' }, 'it failed')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: 'one\ntwo "three"\\', msg: 'it failed' })
})

it('a text has a bound where people read it: 4,096 characters, in a label 1,024', async () => {
  const written = await outputsOf('x'.repeat(10_000))
  const longest = (output: string): number => Math.max(...(written[output]?.match(/x+…/g) ?? []).map(run => run.length))
  for (const output of ['page', 'failures', 'check, markdown']) expect(longest(output), output).toBe(4_096)
  expect(longest('metrics')).toBe(1_024)
})

it('what people write stays readable, in all outputs', async () => {
  for (const text of harmless) {
    expect(visible(text)).toBe(text)
    expect(isReadable(text)).toBe(true)
    for (const [output, written] of Object.entries(await outputsOf(text)))
      expect(written.includes(text), `${text} in ${output}`).toBe(true)
  }
  expect(visible('👨‍👩‍👧 ⚠️')).toBe('👨👩👧 ⚠')
  expect(['👨‍👩‍👧', '⚠️ relay', 'می‌خواهم'].every(isReadable)).toBe(true)
  expect(['a\u200b', 'a\u202eb', '\u200da', 'a\ud800', 'a\u{e0041}'].some(isReadable)).toBe(false)
})

it('a table of a terminal stays a table, with letters of any width', () => {
  const rows = ['ok', '日本語', 'e\u0301a', 'שָׁלוֹם', '📬'].map(name => [cell(name), cell('|')])
  const columns = (line: string): number =>
    Array.from(line.slice(0, line.indexOf('|')), char =>
      /\p{Mark}/u.test(char) ? 0 : /[\u3041-\u9fff]|📬/u.test(char) ? 2 : 1,
    ).reduce<number>((sum, one) => sum + one, 0)
  expect(new Set(tableLines(rows, 100).map(columns)).size).toBe(1)
})

describe('Markdown', () => {
  const { parse } = new Marked({ gfm: true })
  /** As it is read: the text of elements, and which elements there are. */
  const read = (source: string) => {
    const markup = parse(source, { async: false })
    const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }
    return {
      elements: new Set([...markup.matchAll(/<([a-z0-9]+)/g)].map(([, name]) => name)),
      text: markup.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|quot|#39|amp);/g, all => entities[all] ?? all),
    }
  }
  const tricky = fc
    .array(
      fc.constantFrom(
        ...['http://a.example', 'www.a.example', 'a@b.example', '@team', '#12', 'GH-12', ':tada:', '[x](y)', '![x](y)'],
        ...[
          '<b>',
          '</td>',
          '&copy;',
          '&#64;',
          '`',
          '``',
          '*',
          '**a**',
          '_a_',
          '__',
          '~~a~~',
          '|',
          '\\',
          '\\|',
          '# ',
          '1. ',
        ],
        ...[
          '- [ ] a',
          '> ',
          '---',
          '===',
          '[^1]',
          '$a$',
          '<!--',
          '-->',
          '\n',
          '\n\n',
          '    ',
          '\t',
          'word',
          ' ',
          'é',
          '"',
        ],
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map(parts => parts.join(''))
  const asShown = (text: string): string => visible(text).replace(/\s+/g, ' ').trim()

  it('shows a text as it stands, in a paragraph, a heading and a table: no link, no mark, no cell more', () => {
    const property = fc.property(tricky, text => {
      const paragraph = read(markdownBlocks([inMarkdown`${text}`]))
      expect(paragraph.text.trim()).toBe(asShown(text))
      const heading = read(markdownBlocks([inMarkdown`# ${`app ${text}`}`]))
      expect(heading.text.trim()).toBe(asShown(`app ${text}`))
      const table = read(markdownBlocks([tableOf(['a', 'b'], [[text, 'end']])]))
      expect(
        table.text
          .split('\n')
          .map(line => line.trim())
          .filter(line => line !== ''),
      ).toEqual(['a', 'b', asShown(text), 'end'].filter(line => line !== ''))
      for (const { elements } of [paragraph, heading, table])
        for (const name of ['a', 'img', 'em', 'strong', 'del', 'ul', 'ol', 'blockquote', 'pre', 'input', 'hr', 'b'])
          expect(elements.has(name), name).toBe(false)
    })
    fc.assert(property, { seed, numRuns: 300 })
  })

  it('has what GitHub would link, a mention or a number, as code', () => {
    expect(escapeMarkdown('ask @team or a@b.example, see #12, www.a.example and https://a.example/x|y')).toBe(
      'ask `@team` or `a@b.example,` see `#12,` `www.a.example` and `https://a.example/x`\\|y',
    )
  })
})

it('html has no value as it came', () => {
  expect(html`<p title="${'"><b>'}">${'<i>'}</p>`.markup).toBe('<p title="&quot;&gt;&lt;b&gt;">&lt;i&gt;</p>')
})
