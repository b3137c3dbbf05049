/** docs/configuration.md is what the code says. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { makeConfiguration, optionsOf, sources } from '../../scripts/make-configuration.mjs'
import { ENVIRONMENTS } from '../../src/profiles/environments.ts'
import { PROFILES } from '../../src/profiles/profiles.ts'
import { ADDRESS, FAMILIES, PARAMETERS } from '../../src/profiles/variables.ts'
import { PRESETS } from '../../src/sizing/presets.ts'

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

test('the page is the one that scripts/make-configuration.mjs writes', () => {
  const tables = {
    profiles: PROFILES,
    environments: ENVIRONMENTS,
    traffic: PRESETS,
    address: ADDRESS,
    families: FAMILIES,
    parameters: PARAMETERS,
  }
  expect(page).toBe(makeConfiguration(sources(), tables))
})

test('every option that a pool takes by name has a row with what it does', () => {
  const { config } = sources()
  const own = /const OWN = \[([^\]]*)\]/.exec(config)?.[1] ?? ''
  const core = /const CORE = \[([^\]]*)\]/.exec(config)?.[1] ?? ''
  const names = [...`${core}${own}`.matchAll(/'(\w+)'/g)].map((match) => match[1])
  expect(names.length).toBeGreaterThan(40)
  const rows = new Set([...page.matchAll(/^\| `(\w+)` \| `[^`]+` \| \S/gm)].map((match) => match[1]))
  expect(names.filter((name) => !rows.has(name))).toEqual([])
})

test('an option is read with its type and its text in one line', () => {
  const source = `export interface Things {
  /**
   * How many, see {@link Other}.
   * 1 or more.
   */
  many?: number | undefined
  /** Which. */
  which?: 'a' | 'b' | undefined
}
`
  expect(optionsOf(source, 'Things')).toEqual([
    { name: 'many', type: 'number', text: 'How many, see `Other`. 1 or more.' },
    { name: 'which', type: "'a' | 'b'", text: 'Which.' },
  ])
})
