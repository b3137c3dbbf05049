/** Every call of the package that takes options or a pool says in one sentence what is wrong with them. */
import { describe, expect, test } from 'vitest'
import { adapt } from '../../src/control/index.ts'
import { explainConfig, poolConfigFromEnv, SluiceError } from '../../src/index.ts'
import { expressDatabase, fastifyDatabase, honoDatabase, withDatabase } from '../../src/middleware/index.ts'
import { activity, explain, health } from '../../src/monitor/index.ts'
import { recommend } from '../../src/sizing/index.ts'

type Call = (...given: never[]) => unknown

/** What a call says that refuses; a failure of any other kind is none. */
async function refusal(call: Call, ...given: unknown[]): Promise<string> {
  try {
    await call(...(given as never[]))
  } catch (error) {
    if (SluiceError.is(error, 'SLUICE_BAD_OPTION')) return error.message
    throw error
  }
  return 'it was taken'
}

const METHODS = [
  'query',
  'lease',
  'transaction',
  'stats',
  'resize',
  'settings',
  'connections',
  'statements',
  'connect',
]
const pool = Object.fromEntries(METHODS.map((name) => [name, () => ({})]))
const calls: readonly [string, Call][] = [
  ['adapt()', adapt],
  ['health()', health],
  ['activity()', activity],
  ['explain()', (given: never, options: never) => explain(given, 'SELECT 1', options)],
  ['expressDatabase()', expressDatabase],
  ['fastifyDatabase()', fastifyDatabase],
  ['honoDatabase()', honoDatabase],
  ['withDatabase()', (given: never, options: never) => withDatabase(given, () => new Response(), options)],
]

describe.each(calls)('%s', (name, call) => {
  test.each([undefined, null, 5])('refuses %j in the place of a pool', async (given) => {
    expect(await refusal(call, given)).toBe(`${name} takes a pool; it got ${given}`)
  })

  test('refuses options that are none, and those that it does not know', async () => {
    expect(await refusal(call, pool, null)).toMatch(/ takes an object of .*; it got null$/)
    expect(await refusal(call, pool, { colour: 1 })).toContain(`colour is not an option of ${name}; it has `)
  })
})

test.each(calls.filter(([name]) => name !== 'health()'))(
  '%s refuses a pool of the wrong shape',
  async (name, call) => {
    expect(await refusal(call, {})).toMatch(/takes a pool; what it got has no \w+\(\)$/)
    expect(await refusal(call, {})).toContain(name)
  },
)

test('health() refuses pools of the wrong shape by their name', async () => {
  expect(await refusal(health, { main: {} })).toBe(
    'health() under "main" takes a pool; what it got has no query()',
  )
})

test.each([
  [adapt, { absoluteMx: 5 }, 'absoluteMx is not an option of adapt(); did you mean absoluteMax?'],
  [health, { timeoutMilis: 5 }, 'timeoutMilis is not an option of health(); did you mean timeoutMillis?'],
  [activity, { timeoutMilis: 5 }, 'timeoutMilis is not an option of activity(); did you mean timeoutMillis?'],
  [
    expressDatabase,
    { agents: () => 'a' },
    'agents is not an option of expressDatabase(); did you mean agent?',
  ],
])('a misspelt option is answered with the one that was meant', async (call, options, sentence) => {
  expect(await refusal(call as Call, pool, options)).toBe(sentence)
})

test.each([
  [
    null,
    'recommend() takes an object of agents, traffic, workers, nested, instances, hardware, tier; it got null',
  ],
  [{ trafic: {} }, 'trafic is not an option of recommend(); did you mean traffic?'],
  [{ agents: null }, 'agents of recommend() takes an object of agents, statements; it got null'],
  [
    { instances: { instances: 2, surg: 1 } },
    'surg is not an option of instances of recommend(); did you mean surge?',
  ],
  [undefined, 'there is nothing to size by'],
])('recommend(%j) is refused in one sentence', async (question, sentence) => {
  expect(await refusal(recommend, question)).toContain(sentence)
})

test.each([poolConfigFromEnv, explainConfig] as Call[])(
  '%o refuses what is no environment and no options',
  async (call) => {
    expect(await refusal(call, null)).toBe(
      'the environment must be an object of variables, as process.env is',
    )
    expect(await refusal(call, {}, null)).toBe('the options must be an object')
    expect(await refusal(call, {}, { enviroment: 'none' })).toBe(
      'enviroment is not an option of Sluice; did you mean environment?',
    )
  },
)

test('withDatabase() needs a handler', async () => {
  expect(await refusal(withDatabase, pool)).toBe(
    'withDatabase() takes a pool and a handler, which is a function',
  )
})
