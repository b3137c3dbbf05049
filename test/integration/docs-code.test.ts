/** The code in docs/, taken at its word: it runs, and does what the page says of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import * as control from '../../src/control/index.ts'
import * as sluice from '../../src/index.ts'
import { codeOf, runCode } from '../support/page-code.ts'
import { databaseUrl } from '../support/postgres.ts'

const env = { DATABASE_URL: databaseUrl(), DATABASE_POOL_URL: databaseUrl() }

test('control.md: a pool follows a burst up and down again', async () => {
  const said: string[] = []
  const [code = ''] = codeOf('control.md')
  await runCode(code, {
    ...sluice,
    ...control,
    sleep,
    process: { env },
    console: { log: (line: string) => said.push(line) },
  })
  expect(said[0]).toBe('10 → 20: start at half of 40, a tenth kept')
  expect(
    said.filter((line) => /in use, more than 80 %: \d+ × 1\.5, up to \d+, makes/.test(line)),
  ).not.toEqual([])
  expect(said.at(-1)).toMatch(/idle: \d+ × 0\.7, not below 12, makes \d+$/)
})
