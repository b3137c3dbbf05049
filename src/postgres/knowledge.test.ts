import { expect, test, vi } from 'vitest'
import { readEndpoint } from '../profiles/endpoint.ts'
import type { Answer } from './asking.ts'
import type { Client } from './driver.ts'
import { Knowledge, withoutName } from './knowledge.ts'

interface House {
  readonly given?: Record<string, unknown>
  readonly hasDirect?: boolean
  readonly isPgs?: boolean
  readonly answer?: Promise<Answer>
}

function house({
  given = {},
  hasDirect = false,
  isPgs = true,
  answer = new Promise(() => undefined),
}: House = {}) {
  const ask = vi.fn<() => Promise<Answer>>(() => answer)
  return {
    ask,
    knowledge: new Knowledge({
      told: readEndpoint(given),
      hasDirect,
      prepare: false,
      isPgs: () => isPgs,
      ask,
    }),
  }
}

type Query = (statement: unknown, values: unknown, told: (error?: Error, result?: object) => void) => void

/** A client whose server names `processId`, and whose statements run in `session`, or fail. */
function client(processId: number | null, session: number | Error = processId ?? 0, parameters = {}) {
  const query = vi.fn<Query>(
    (_statement: unknown, _values: unknown, told: (error?: Error, result?: object) => void) =>
      session instanceof Error ? told(session) : told(undefined, { rows: [[session]] }),
  )
  return { processID: processId, query, connectionParameters: parameters } as unknown as Client & {
    query: typeof query
  }
}

const says = (message: string, code: string) => Object.assign(new Error(message), { code, severity: 'FATAL' })
const pooler = (
  mode: 'session' | 'transaction' | 'statement' | undefined,
  preparedStatements = false,
): Answer => ({
  is: 'pooler',
  pooler: 'pgbouncer',
  version: '1.24.1',
  mode,
  preparedStatements,
  evidence: 'it says so',
})

test('a process id that no process can have is a pooler’s, for nothing', async () => {
  for (const id of [-1_657_061_477, 1_657_061_477, 0]) {
    const { ask, knowledge } = house({ answer: Promise.resolve(pooler('transaction')) })
    const opened = client(id)
    knowledge.connected(opened)
    expect(opened.query).not.toHaveBeenCalled()
    expect(ask).toHaveBeenCalledOnce()
    expect(knowledge.facts()).toMatchObject({ endpoint: 'transaction', lanes: false, isOpen: true })
    await vi.waitFor(() => expect(knowledge.facts()).toMatchObject({ mode: 'transaction', known: 'asked' }))
  }
})

test('any other is asked about once, and only when it matters', () => {
  const { ask, knowledge } = house()
  const opened = client(4_711)
  knowledge.connected(opened)
  expect(opened.query).not.toHaveBeenCalled()
  expect([knowledge.keepsSessions, knowledge.carriesNames, knowledge.mayCarryLanes]).toEqual([
    false,
    false,
    true,
  ])
  const then = vi.fn<() => void>()
  knowledge.decide(opened, then, () => false)
  knowledge.decide(opened, then, () => false)
  expect(then).toHaveBeenCalledTimes(2)
  expect(opened.query).toHaveBeenCalledOnce()
  expect(ask).not.toHaveBeenCalled()
  expect(knowledge.facts()).toMatchObject({ endpoint: 'direct', known: 'asked', isOpen: false, lanes: true })
  expect(knowledge.carriesNames).toBe(true)
})

test('a statement that runs elsewhere shows a pooler, and who must know waits until that has said what it is', async () => {
  let tell: (answer: Answer) => void = () => undefined
  const { knowledge } = house({
    answer: new Promise((resolve) => {
      tell = resolve
    }),
  })
  const opened = client(4_711, 4_712)
  const recognised = vi.fn<() => void>()
  const decided = vi.fn<() => void>()
  knowledge.recognise(opened, recognised)
  knowledge.decide(opened, decided, () => false)
  expect([recognised.mock.calls.length, decided.mock.calls.length]).toEqual([1, 0])
  tell(pooler('session'))
  await vi.waitFor(() => expect(decided).toHaveBeenCalledOnce())
  expect(knowledge.facts()).toMatchObject({
    endpoint: 'session',
    lanes: true,
    sessionWork: 'here',
    limits: 'pool',
  })
})

test.each([
  [
    pooler('transaction', true),
    { endpoint: 'transaction', preparedStatements: true, lanes: false, known: 'asked' },
  ],
  [pooler('statement'), { endpoint: 'transaction', mode: 'statement', preparedStatements: false }],
  [pooler(undefined), { endpoint: 'transaction', mode: undefined, known: 'assumed' }],
  [{ is: 'direct' } as Answer, { endpoint: 'direct', pooler: undefined, known: 'asked', lanes: true }],
])('%o leads to %o', async (answer, facts) => {
  const { knowledge } = house({ answer: Promise.resolve(answer) })
  knowledge.connected(client(-1))
  await vi.waitFor(() => expect(knowledge.facts().isOpen).toBe(false))
  expect(knowledge.facts()).toMatchObject(facts)
})

test('a pooler that answers nothing counts as one of transactions', async () => {
  const { knowledge } = house({ answer: Promise.reject(new Error('no answer')) })
  knowledge.connected(client(-1))
  await vi.waitFor(() => expect(knowledge.facts().isOpen).toBe(false))
  expect(knowledge.facts()).toMatchObject({ endpoint: 'transaction', known: 'assumed' })
})

test('a server that will not say leaves things as they were, and before the port of PgBouncer as with a pooler', () => {
  const refused = says('permission denied', '42501')
  for (const [given, endpoint] of [
    [{ host: 'db', port: 5_432 }, 'direct'],
    [{ host: 'db', port: 6_432 }, 'transaction'],
  ] as const) {
    const { knowledge } = house({ given })
    knowledge.ask(client(4_711, refused))
    expect(knowledge.facts()).toMatchObject({ endpoint, known: 'assumed', isOpen: false })
  }
})

test('a question that was lost with its connection is asked again on another', () => {
  const { knowledge } = house()
  knowledge.ask(client(4_711, new Error('Connection terminated unexpectedly')))
  expect(knowledge.isOpen).toBe(true)
  knowledge.ask(client(4_712))
  expect(knowledge.facts()).toMatchObject({ endpoint: 'direct', known: 'asked' })
})

test('nobody is asked who is no client of pg’s, names no process, or whose endpoint is known', () => {
  for (const given of [
    { isPgs: false },
    { given: { endpoint: 'transaction' } },
    { given: { port: 6_543, host: 'db' } },
  ]) {
    const { ask, knowledge } = house(given)
    knowledge.connected(client(-1))
    expect([knowledge.facts().isOpen, ask.mock.calls.length]).toEqual([false, 0])
  }
  const { knowledge } = house()
  knowledge.connected(client(null))
  expect(knowledge.facts()).toMatchObject({ endpoint: 'direct', known: 'assumed', isOpen: false })
})

test('RDS Proxy gets session work, since it keeps a session for whoever changes it', () => {
  const { knowledge } = house({ given: { host: 'p.proxy-abc.eu-west-1.rds.amazonaws.com' } })
  expect(knowledge.facts()).toMatchObject({
    endpoint: 'transaction',
    pooler: 'rds-proxy',
    sessionWork: 'here',
    lanes: false,
  })
  expect(knowledge.effectOf('LISTEN jobs')).toBeUndefined()
})

test('what needs a session is refused with the way around, where there is one', () => {
  const given = { endpoint: 'transaction' }
  const without = house({ given }).knowledge
  expect(without.facts().sessionWork).toBe('refused')
  expect(without.refusal('LISTEN')?.message).toContain('Give directConnectionString')
  expect(without.refusal('LISTEN')?.message).toContain(
    "this endpoint, said to be a transaction pooler (endpoint: 'transaction', POOL_MODE or pgbouncer=true), lends",
  )
  expect(without.refusal('LISTEN')?.message).not.toContain('the pooler')
  const seen = house({ given: { host: 'db.pooler.supabase.com', port: 6543 } }).knowledge
  expect(seen.refusal('LISTEN')?.message).toContain('Supavisor (the port 6543')
  const withOne = house({ given, hasDirect: true }).knowledge
  expect(withOne.facts().sessionWork).toBe('direct')
  expect(withOne.refusal('LISTEN')?.message).toContain("lease({ endpoint: 'direct' })")
  expect(house({ given: { endpoint: 'session' } }).knowledge.refusal('LISTEN')).toBeUndefined()
})

test('limits are sent to a server, and kept back from a transaction pooler, whose pool keeps them', () => {
  const parameters = () => ({
    statement_timeout: 5_000,
    lock_timeout: '700',
    options: '-c statement_timeout=1s',
  })
  const direct = client(4_711, 4_711, parameters())
  const toServer = house({ given: { endpoint: 'direct' } }).knowledge
  toServer.beforeStartup(direct)
  expect(direct).toMatchObject({ connectionParameters: parameters() })
  expect([toServer.statementMillis, toServer.transactionSettings()]).toEqual([undefined, ''])
  const pooled = client(4_711, 4_711, parameters())
  const toPooler = house({ given: { endpoint: 'transaction' } }).knowledge
  toPooler.beforeStartup(pooled)
  expect(pooled).toMatchObject({
    connectionParameters: { statement_timeout: undefined, lock_timeout: undefined },
  })
  expect(toPooler.statementMillis).toBe(5_000)
  expect(toPooler.transactionSettings()).toBe(
    '; SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 700',
  )
})

test('a refused startup option is left out from then on, one after another, and each only once', () => {
  const { knowledge } = house()
  const refused = (name: string) => says(`unsupported startup parameter: ${name}`, '08P01')
  const opened = () => client(4_711, 4_711, { statement_timeout: 5_000, options: '-c lock_timeout=2min' })
  const first = opened()
  knowledge.beforeStartup(first)
  expect(knowledge.startupFailed(refused('statement_timeout'), first)).toBe(true)
  const second = opened()
  knowledge.beforeStartup(second)
  expect(second).toMatchObject({ connectionParameters: { statement_timeout: undefined } })
  expect(knowledge.startupFailed(refused('options'), second)).toBe(true)
  const third = opened()
  knowledge.beforeStartup(third)
  expect(knowledge.startupFailed(refused('options'), third)).toBe(false)
  expect(knowledge.startupFailed(says('no such database: a', '08P01'), second)).toBe(false)
  expect(knowledge.transactionSettings()).toBe(
    '; SET LOCAL lock_timeout = 120000; SET LOCAL statement_timeout = 5000',
  )
})

test('opens that were under way together are refused together, and all tried again', () => {
  for (const [name, parameters] of [
    ['statement_timeout', { statement_timeout: 5_000 }],
    ['options', { options: '-c lock_timeout=2min' }],
  ] as const) {
    const { knowledge } = house()
    const refused = says(`unsupported startup parameter: ${name}`, '08P01')
    const together = [client(4_711, 4_711, { ...parameters }), client(4_712, 4_712, { ...parameters })]
    for (const opening of together) knowledge.beforeStartup(opening)
    expect(together.map((opening) => knowledge.startupFailed(refused, opening))).toEqual([true, true])
  }
})

test('an option that nobody has asked for is left to whoever refuses it', () => {
  const { knowledge } = house()
  const opened = client(4_711)
  knowledge.beforeStartup(opened)
  expect(knowledge.startupFailed(says('unsupported startup parameter: replication', '08P01'), opened)).toBe(
    false,
  )
})

test('a question that nobody has heard is asked again, not taken for an answer', () => {
  const unheard = [
    ['current transaction is aborted', '25P02'],
    ['write EPIPE', 'EPIPE'],
    ['sorry, too many clients already', '53300'],
    ['Unable to check out process from the pool', 'XX000'],
    ['canceling statement due to user request', '57014'],
  ] as const
  for (const [message, code] of unheard) {
    const { knowledge } = house()
    knowledge.ask(client(4_711, says(message, code)))
    expect([code, knowledge.isOpen, knowledge.keepsSessions]).toEqual([code, true, false])
  }
})

test('who waited for an answer that never came asks for it, unless the connection is somebody else’s by now', () => {
  const { knowledge } = house()
  let fail: (error: Error) => void = () => undefined
  const lost = client(4_711)
  lost.query.mockImplementation((_statement, _values, told) => {
    fail = told
  })
  const [other, gone] = [client(4_712), client(4_713)]
  const order: string[] = []
  const asked = (name: string) => () => void order.push(`${name}: ${knowledge.keepsSessions}`)
  knowledge.decide(lost, asked('lost'), () => false)
  knowledge.decide(gone, asked('gone'), () => true)
  knowledge.decide(other, asked('other'), () => false)
  fail(new Error('Connection terminated unexpectedly'))
  expect(order).toEqual(['lost: false', 'gone: false', 'other: true'])
  expect([gone.query.mock.calls.length, other.query.mock.calls.length]).toEqual([0, 1])
})

test('a server whose process ids are none, and that lends no sessions, is not asked for each of them', async () => {
  const { ask, knowledge } = house({ answer: Promise.resolve({ is: 'direct' }) })
  knowledge.connected(client(-1))
  await vi.waitFor(() => expect(knowledge.facts().isOpen).toBe(false))
  knowledge.connected(client(-2))
  expect(ask).toHaveBeenCalledOnce()
  expect(knowledge.facts()).toMatchObject({ endpoint: 'direct', isOpen: false })
})

test('a limit that was kept back from a session while a pooler was suspected is kept by the pool', async () => {
  const { knowledge } = house({ answer: Promise.resolve({ is: 'direct' }) })
  knowledge.beforeStartup(client(-1, -1, { statement_timeout: 5_000 }))
  knowledge.connected(client(-1))
  const meanwhile = client(-2, -2, { statement_timeout: 5_000 })
  knowledge.beforeStartup(meanwhile)
  expect(meanwhile).toMatchObject({ connectionParameters: { statement_timeout: undefined } })
  await vi.waitFor(() => expect(knowledge.facts().isOpen).toBe(false))
  expect(knowledge.statementMillis).toBe(5_000)
})

test('options that ask for more than limits are not given up', () => {
  const { knowledge } = house()
  const opened = client(4_711, 4_711, { options: '-c statement_timeout=5s -c search_path=app' })
  knowledge.beforeStartup(opened)
  const refused = says('unsupported startup parameter: options', '08P01')
  expect(() => knowledge.startupFailed(refused, opened)).toThrow('ALTER ROLE')
})

test('only a config object loses its name', () => {
  const cursor = { submit: () => undefined, name: 'c' }
  expect(withoutName({ name: 'a', text: 'SELECT 1' })).toEqual({ name: undefined, text: 'SELECT 1' })
  expect([withoutName('SELECT 1'), withoutName(cursor), withoutName(null)]).toEqual([
    'SELECT 1',
    cursor,
    null,
  ])
})
