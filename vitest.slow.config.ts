/** For `npm run test:slow`: only the files that have a test with this tag in them, since to import a file takes time, too. */
import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).map(file => `test/${file}`)
const isSlow = (file: string): boolean => readFileSync(file, 'utf8').includes("'slow'")

export default defineConfig({
  test: { ...config.test, include: files.filter(file => file.endsWith('.test.ts') && isSlow(file)) },
})
