import tseslint from 'typescript-eslint'

/**
 * The folders of src, from the bottom up. A file imports from its own folder and from those before it. docs/design.md says
 * what each holds; test/design.test.ts holds the two together.
 */
export const floors = [
  'core',
  'environment',
  'clients',
  'yaml',
  'fields',
  'probes',
  'assess',
  'history',
  'monitor',
  'exposition',
  'page',
  'report',
  'config',
  'references',
  'init',
  'web',
  'cli',
]

/** What is put together by hand is not made ready: `shown` does it. */
const templates = [
  {
    selector:
      "CallExpression[callee.object.property.name=/^std(out|err)$/][callee.property.name='write'] > :matches(TemplateLiteral, BinaryExpression).arguments",
    message: 'Use shown`…` of src/core/shown.ts: text from outside may be in it.',
  },
]
/** Ways around the functions that make text ready for where people read it. */
const pastShown = [
  ...templates,
  {
    selector: 'CallExpression[callee.name=/^(vouched|ownMarkup)$/]',
    message: 'Only the functions of an output vouch for a text. Use shown, html, inMarkdown or json.',
  },
  {
    selector: ':matches(TSAsExpression, TSTypeAssertion) > TSTypeReference[typeName.name=/^(Shown|Html|Markdown)$/]',
    message: 'Only the functions of an output make such a text.',
  },
  {
    selector:
      'ObjectExpression > Property[key.name=/^(markup|source)$/][value.type!="Literal"][parent.properties.length=1]',
    message: 'Only html and inMarkdown make markup.',
  },
  {
    selector: "MemberExpression[object.name='process'][property.name=/^std(out|err)$/]",
    message: 'Only src/cli/process.ts writes to the standard streams.',
  },
  {
    selector:
      "CallExpression[callee.object.name='response'][callee.property.name=/^(end|write|send|json)$/], CallExpression[callee.object.callee.object.name='response'][callee.property.name=/^(end|write|send|json)$/]",
    message: 'Answer with sendText() or sendShown(): they take only text that is ready for people.',
  },
]

/** What files must not import: floors above their own, and name look-ups past src/clients/names. */
function importsOf(files, above, { names = false } = {}) {
  // getaddrinfo(3) takes a thread of the pool until its name servers answer.
  const paths = ['node:dns', 'node:dns/promises'].map(name => ({
    name,
    allowTypeImports: true,
    message: 'Use src/clients/names, or src/clients/dns for other records.',
  }))
  const patterns = above.map(floor => ({
    regex: `^(\\.\\./)+${floor}/`,
    message: `src/${floor} is a floor above: see docs/design.md, "Where things are".`,
  }))
  return {
    files,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: names ? [] : paths, patterns }] },
  }
}

export default tseslint.config(
  // What `helm test` runs belongs to the chart, and is checked by running it.
  { ignores: ['dist', 'coverage', 'eslint.config.js', 'deploy/helm/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // The rule of a daemon: a promise nobody awaits is an error nobody sees.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    // Only there: what a library could obey is gone by then, and what we need is handed on.
    files: ['src/**'],
    ignores: ['src/environment/taken.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Take environment of src/environment/taken.ts, by main.ts.' },
      ],
    },
  },
  // The last that fits a file holds, so that each says all.
  ...[...floors, '*.ts'].map((floor, i) =>
    importsOf([`src/${floor}${floor === '*.ts' ? '' : '/**'}`], floors.slice(i + 1)),
  ),
  importsOf(['src/clients/names/**', 'src/clients/dns/ask.ts'], floors.slice(floors.indexOf('clients') + 1), {
    names: true,
  }),
  {
    // Text from outside reaches a person only by way of src/core/shown.ts and the functions of the outputs.
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...pastShown],
    },
  },
  {
    // These escape for an output by themselves, or write what was made ready.
    files: [
      'src/core/{shown,log}.ts',
      'src/cli/process.ts',
      'src/clients/output.ts',
      'src/exposition/text-format.ts',
      'src/page/{layout,html}.ts',
      'src/report/{markdown,report,table}.ts',
      'src/web/respond.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', ...templates] },
  },
  {
    // Run by Node as it is, and outside of the types.
    files: ['**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
)
