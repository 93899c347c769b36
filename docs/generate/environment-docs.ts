import { allowedOptions } from '../../src/environment/node-options.ts'
import { variables, type Effect } from '../../src/environment/variables.ts'
import { document, inCell } from './docs.ts'
import { markdownTable } from '../../src/report/table.ts'

const intro = `The environment of the exporter is its own. Only the configuration says whom it talks to, and how. Libraries would obey
many more variables than the exporter needs, and each could make a verdict wrong: with \`PGOPTIONS\` a session can write
that could not without it. So all variables are taken away before a library is loaded.

A reference \`{ env: NAME }\` of the configuration may name any variable, those of this page too. What the *application* has
in its environment is given that way, or by \`environment\` of a target.`

const groups: readonly (readonly [Effect, string, string])[] = [
  ['used', 'What is used', 'Everything else is without effect, or refused.'],
  [
    'refused',
    'What is refused',
    `Node obeys these before any code of the exporter runs. With one of them, unless it is empty, there is no start: the exporter
says so in one line, and exits with 78.`,
  ],
  [
    'removed',
    'What is without effect',
    'Libraries, Node or the C library would obey these. They are taken away before that, with all others that are not on this page.',
  ],
  [
    'harmless',
    'What Node and the C library obey, and does no harm',
    'They are read before any code of the exporter runs. No verdict and no secret depends on them.',
  ],
]

/** docs/environment.md */
export const environmentDoc = (): string =>
  document('Environment', intro, ...groups.flatMap(group), '## Options of Node', options, '## Signals', signals)

const group = ([wanted, title, about]: (typeof groups)[number]): string[] => [
  `## ${title}`,
  about,
  markdownTable(
    ['Variables', 'Who reads them', 'What they do', ...(wanted === 'refused' ? ['Instead'] : [])],
    variables
      .filter(({ effect }) => effect === wanted)
      .map(({ names, reader, meaning, instead }) => [
        names.map(name => `\`${name}\``).join(', '),
        inCell(reader),
        inCell(meaning),
        ...(instead === undefined ? [] : [inCell(instead)]),
      ]),
  ),
]

const options = `In \`NODE_OPTIONS\`, and between \`node\` and the program, these are allowed:
${allowedOptions.map(name => `\`--${name}\``).join(', ')}.

With any other option there is no start: the exporter names it, says why, and exits with 78. \`--inspect\` would show the memory to others,
\`--require\` and \`--import\` would run other code, \`--tls-keylog\` would write down keys, \`--use-openssl-ca\` and \`--tls-min-v1.0\`
would accept other servers. Who injects \`--require\` into each container (agents for tracing, for example) has to leave
out this one. Who runs the source (\`npx tsx src/main.ts\`) may give any option on the command line, to debug it.`

const signals = `SIGUSR1 does not open the inspector: the exporter listens to that signal before it loads anything else. Node itself needs a
few milliseconds until then. An inspector that a signal opens in that time is closed before the configuration is read.
With \`node --disable-sigusr1\` (Node 22.14 or later, and in the image) there is no such moment. SIGUSR2 does nothing.
SIGQUIT ends the exporter as SIGTERM does, so that it leaves no core dump.`
