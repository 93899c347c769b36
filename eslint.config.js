import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'eslint.config.js'] },
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
  {
    // getaddrinfo(3) takes a thread of the pool until its name servers answer: see src/clients/names.
    files: ['src/**'],
    ignores: ['src/clients/names/**', 'src/core/want.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        ...['node:dns', 'node:dns/promises'].map(name => ({
          name,
          allowTypeImports: true,
          message: 'Use src/clients/names.',
        })),
      ],
    },
  },
  {
    // Run by Node as it is, and outside of the types.
    files: ['**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
)
