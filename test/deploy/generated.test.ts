import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generated } from '../../deploy/generate.ts'

it.each(Object.entries(generated))('%s follows from its source', async (file, text) => {
  await expect(text).toMatchFileSnapshot(`../../${file}`)
})

it('leaves nothing behind of a source that is gone', () => {
  const chart = new URL('../../deploy/helm/mailpath-exporter/', import.meta.url)
  const there = ['rules', 'dashboards'].flatMap(folder =>
    readdirSync(new URL(folder, chart)).map(file => `deploy/helm/mailpath-exporter/${folder}/${file}`),
  )
  expect(there.filter(file => !(file in generated))).toEqual([])
})
