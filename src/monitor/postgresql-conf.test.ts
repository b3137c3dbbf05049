import { expect, test } from 'vitest'
import type { PostgresqlConfOptions } from './postgresql-conf.ts'
import { postgresqlConf } from './postgresql-conf.ts'

/** What a server reads of the text. */
function settings(text: string): Record<string, string | undefined> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => line.split(' = ')))
}

test('the settings are as promised', () => {
  expect(settings(postgresqlConf({ memoryMegabytes: 16_384 }))).toEqual({
    max_connections: '200',
    shared_buffers: '4GB',
    effective_cache_size: '12GB',
    work_mem: '4MB',
    idle_in_transaction_session_timeout: '30s',
    statement_timeout: '30s',
    lock_timeout: '10s',
  })
})

test('memory goes by shares, in whole megabytes', () => {
  expect(settings(postgresqlConf({ memoryMegabytes: 1_001, maxConnections: 40 }))).toMatchObject({
    max_connections: '40',
    shared_buffers: '250MB',
    effective_cache_size: '750MB',
  })
})

test('more sessions than the memory has room for are said', () => {
  const of = (maxConnections: number) => postgresqlConf({ memoryMegabytes: 1_024, maxConnections })
  expect(of(76)).toContain('# 76 connections × about 10 MB = 760 MB.')
  expect(of(77)).toContain('# 77 connections × about 10 MB = 770 MB:\n# TOO MUCH beside shared_buffers.')
})

test('the limits of a role are comments, with its name quoted', () => {
  const text = postgresqlConf({ memoryMegabytes: 1_024, role: 'a"b; DROP' })
  expect(text.split('\n').filter((line) => line.includes('ALTER'))).toEqual([
    `# ALTER ROLE "a""b; DROP" SET statement_timeout = '30s';`,
    `# ALTER ROLE "a""b; DROP" SET idle_in_transaction_session_timeout = '60s';`,
    `# ALTER ROLE "a""b; DROP" SET lock_timeout = '10s';`,
  ])
  expect(postgresqlConf({ memoryMegabytes: 1_024 })).toContain('ALTER ROLE "app"')
})

test('no line is wider than 100 columns', () => {
  for (const memoryMegabytes of [256, 16_384])
    for (const line of postgresqlConf({ memoryMegabytes }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(100)
})

test.each([
  [{}, 'needs memoryMegabytes'],
  [undefined, 'needs memoryMegabytes'],
  [{ memoryMegabytes: 255 }, 'memoryMegabytes must be a whole number from 256 to 16,777,216 (megabytes)'],
  [{ memoryMegabytes: 1_024, maxConnections: 9 }, 'maxConnections must be a whole number from 10 to 10,000'],
  [{ memoryMegabytes: 1_024, role: '' }, 'role must be the name of a role'],
  [{ memoryMegabytes: 1_024, role: 'a\nport = 1' }, 'role must be the name of a role'],
  [{ memoryMegabytes: 1_024, role: 'ä'.repeat(32) }, 'role must be the name of a role'],
  [{ memory: 1_024 }, 'memory is not an option of postgresqlConf()'],
])('%j is refused in a sentence', (options, sentence) => {
  expect(() => postgresqlConf(options as PostgresqlConfOptions)).toThrow(
    expect.objectContaining({ code: 'SLUICE_BAD_OPTION', message: expect.stringContaining(sentence) }),
  )
})
