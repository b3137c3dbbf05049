import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { differences } from './differences.ts'

const here = new URL('.', import.meta.url)

test('every deliberate difference is shown by a test', async () => {
  const files = (await readdir(here)).filter((name) => name.endsWith('.test.ts'))
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, here), 'utf8')))
  const shown = texts.join('\n')
  expect(Object.keys(differences).filter((key) => !shown.includes(`'${key}'`))).toEqual([])
})
