import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { activityOf, connectionOf, sessionOf, snapshot, statsOf, times } from '../../test/support/pictures.ts'
import type { Activity, Session } from './activity.ts'
import type { AdviceLimits } from './advise.ts'
import { advise } from './advise.ts'
import type { Snapshot } from './snapshot.ts'

const found = (picture: Snapshot, activity?: Activity, limits?: AdviceLimits) =>
  advise(picture, activity, limits).map(({ code, severity }) => `${severity} ${code}`)

/** What is said at all, apart from what the table of the test is about. */
const only = (code: string, picture: Snapshot, activity?: Activity, limits?: AdviceLimits) =>
  advise(picture, activity, limits).find((finding) => finding.code === code)?.severity

test('an idle healthy pool with the defaults gives no advice, whatever it has done before', () => {
  const healthy = fc.record({
    idle: fc.integer({ min: 0, max: 10 }),
    acquired: fc.integer({ min: 1_000, max: 1_000_000 }),
    reuse: fc.double({ min: 0.96, max: 1, noNaN: true }),
    wait: fc.double({ min: 0, max: 9.9, noNaN: true }),
    lease: fc.double({ min: 0, max: 5, noNaN: true }),
    ageMillis: fc.integer({ min: 86_400_000, max: 2 ** 40 }),
    connectionAge: fc.integer({ min: 0, max: 3_600_000 }),
    uses: fc.integer({ min: 0, max: 10_000 }),
    uptimeMillis: fc.option(fc.integer({ min: 0 }), { nil: undefined }),
    sessions: fc.integer({ min: 0, max: 77 }),
    running: fc.option(fc.double({ min: 0, max: 4_999, noNaN: true }), { nil: undefined }),
    seen: fc.boolean(),
  })
  fc.assert(
    fc.property(healthy, (seen) => {
      const { acquired, idle } = seen
      const picture = snapshot({
        stats: {
          idle,
          acquired,
          total: idle,
          opened: idle,
          reuse: seen.reuse,
          wait: times(acquired, seen.wait),
          lease: times(acquired, seen.lease),
          ageMillis: seen.ageMillis,
        },
        connections: Array.from({ length: idle }, () =>
          connectionOf({ ageMillis: seen.connectionAge, uses: seen.uses }),
        ),
        uptimeMillis: seen.uptimeMillis,
      })
      const longest =
        seen.running === undefined ? undefined : sessionOf({ state: 'active', statementMillis: seen.running })
      const activity = activityOf({ total: seen.sessions, longest })
      expect(advise(picture, seen.seen ? activity : undefined)).toEqual([])
    }),
  )
})

describe('targets and alerts', () => {
  const minutes = (n: number, average: number) => ({
    ageMillis: n * 60_000,
    // So many milliseconds of one slot.
    lease: times(1, n * 60_000 * 10 * (average / 100)),
  })

  test.each([
    ['69 % on average', minutes(5, 69), undefined],
    ['70 % on average', minutes(5, 70), 'advice'],
    ['80 % on average for 5 minutes', minutes(5, 80), 'advice'],
    ['81 % on average for 4 minutes', minutes(4, 81), 'advice'],
    ['81 % on average for 5 minutes', minutes(5, 81), 'warning'],
    ['89 % at one moment', { utilization: 89 }, undefined],
    ['90 % at one moment', { utilization: 90 }, 'advice'],
  ])(
    'utilization below 70 %% on average and 90 %% at most, alert above 80 %% for 5 min: %s',
    (_, stats, severity) => {
      expect(only('utilization', snapshot({ stats }))).toBe(severity)
    },
  )

  test.each([
    [100, 9.9, undefined],
    [100, 10, 'advice'],
    [100, 50, 'advice'],
    [100, 50.1, 'warning'],
    [19, 500, undefined],
    [20, 500, 'warning'],
  ])(
    'time to get a connection below 10 ms on average, alert above 50 ms: %d acquires of %d ms',
    (count, mean, severity) => {
      expect(only('slow-acquire', snapshot({ stats: { wait: times(count, mean) } }))).toBe(severity)
    },
  )

  test.each([
    [0, 60_000, undefined],
    [1, 60_000, 'warning'],
    [2, 60_000, 'critical'],
    [2, 1_000, 'critical'],
    [10, 600_000, 'warning'],
    [11, 600_000, 'critical'],
  ])('no acquire timeouts, alert above 1 a minute: %d in %d ms', (timeouts, ageMillis, severity) => {
    expect(only('acquire-timeouts', snapshot({ stats: { timeouts, ageMillis } }))).toBe(severity)
  })

  test.each([
    [14, undefined],
    [15, 'advice'],
    [18, 'advice'],
    [19, 'warning'],
  ])('less than 50 %% of the overflow in use, alert above 80 %%: %d of 10 + 10', (total, severity) => {
    expect(only('overflow', snapshot({ stats: { total, maxOverflow: 10 } }))).toBe(severity)
  })

  test.each([
    [0, 1_000, undefined],
    [1, 999, undefined],
    [1, 1_000, 'warning'],
    [5, 1_000, 'warning'],
    [6, 1_000, 'critical'],
    [1, 59_999, 'warning'],
    [1, 60_000, 'critical'],
  ])(
    'nobody idle in transaction, alert above 5 or after 60,000 ms: %d for %d ms',
    (count, stateMillis, severity) => {
      const idlers = Array.from({ length: count }, (_, n) =>
        sessionOf({ pid: n, state: 'idle in transaction', stateMillis, statement: `select ${n}` }),
      )
      expect(only('idle-in-transaction', snapshot(), activityOf({ idlers }))).toBe(severity)
    },
  )

  test.each([
    [4_999, undefined],
    [5_000, 'advice'],
    [30_000, 'advice'],
    [30_001, 'warning'],
    [300_000, 'warning'],
    [300_001, 'critical'],
  ])('longest statement below 5 s, alert above 30 s: %d ms', (statementMillis, severity) => {
    const longest = sessionOf({ state: 'active', statementMillis })
    expect(only('long-statement', snapshot(), activityOf({ longest }))).toBe(severity)
  })

  test.each([
    [{ waiting: 0 }, []],
    [{ waiting: 10 }, ['warning saturated']],
    [{ waiting: 11 }, ['critical exhausted']],
    [{ waiting: 11, idle: 1 }, []],
    [{ waiting: 1, waitShare: 0.51 }, ['critical exhausted']],
    [{ waiting: 100 }, ['critical exhausted']],
    [{ waiting: 101 }, ['critical queue-long']],
    [{ waiting: 101, idle: 1 }, ['critical queue-long']],
  ])('nobody queued, alert above 100, idle 0 and more than 10 waiting: %o', (stats, codes) => {
    expect(found(snapshot({ stats }))).toEqual(codes)
  })

  test.each([
    [200, 0.951, undefined],
    [200, 0.95, 'advice'],
    [200, 0.9, 'advice'],
    [200, 0.899, 'warning'],
    [199, 0.5, undefined],
  ])('reuse above 95 %%, alert below 90 %%: %d acquires, %d', (acquired, reuse, severity) => {
    expect(only('reuse', snapshot({ stats: { acquired, reuse } }))).toBe(severity)
  })
})

describe('bounds of options', () => {
  test.each([
    ['max', 9, 10],
    ['connectionTimeoutMillis', 499, 500],
    ['connectionTimeoutMillis', 30_001, 30_000],
    ['acquireTimeoutMillis', 1_999, 2_000],
    ['acquireTimeoutMillis', 60_001, 60_000],
    ['statementTimeout', 1_999, 2_000],
    ['statementTimeout', 120_001, 120_000],
    ['idleTimeoutMillis', 4_999, 5_000],
    ['idleTimeoutMillis', 300_001, 300_000],
    ['idleTimeoutMillis', undefined, 300_000],
  ])('%s %s is a finding and %d is none', (option, outside, inside) => {
    expect(found(snapshot({ settings: { [option]: outside } }))).toEqual([`advice option-${option}`])
    expect(found(snapshot({ settings: { [option]: inside } }))).toEqual([])
  })

  test.each([
    ['persistent', { idleTimeoutMillis: 600_000 }],
    ['high-performance', { idleTimeoutMillis: 600_000 }],
    ['edge', { max: 3, idleTimeoutMillis: 1_000, endpoint: 'transaction', preparedStatements: 0 }],
  ])('the profile %s may ask for what lies outside', (profile, settings) => {
    expect(found(snapshot({ settings: { profile, ...settings } }))).toEqual([])
    const other = { ...settings, profile, idleTimeoutMillis: 900_000 }
    expect(found(snapshot({ settings: other }))).toContain('advice option-idleTimeoutMillis')
  })
})

describe('connections that are not given back', () => {
  const stack = 'Error: taken here\n    at forgetful (app.js:7:3)\n    at main (app.js:1:1)'
  const leaking = {
    stats: { leaking: 1, leased: 1, total: 1 },
    settings: { leakDetectionMillis: 10_000 },
    connections: [
      connectionOf({ state: 'leased', leasedForMillis: 65_000, agent: 'planner', stack }),
      connectionOf({ state: 'leased', leasedForMillis: 200, stack: 'Error\n    at innocent' }),
    ],
  } satisfies Parameters<typeof snapshot>[0]

  test('a leak is named with where it was taken', () => {
    const [leak, ...others] = advise(snapshot(leaking))
    expect([leak?.code, leak?.severity, others]).toEqual(['leak', 'critical', []])
    expect(leak?.evidence).toBe(
      '1 lease out for more than 10,000 ms (leakDetectionMillis); the longest for 65,000 ms by agent "planner", taken at forgetful (app.js:7:3).',
    )
  })

  test('a leak comes before what follows from it', () => {
    const stats = {
      ...leaking.stats,
      waiting: 200,
      utilization: 100,
      timeouts: 50,
      wait: times(100, 5_000),
    }
    expect(found(snapshot({ ...leaking, stats }))).toEqual([
      'critical leak',
      'critical queue-long',
      'critical acquire-timeouts',
      'warning slow-acquire',
      'advice utilization',
    ])
  })

  test('a nested acquire is as severe as what follows from it, and comes first', () => {
    expect(found(snapshot({ stats: { nested: 1 } }))).toEqual(['warning nested-acquire'])
    expect(found(snapshot({ stats: { nested: 1, waiting: 11 } }))).toEqual([
      'critical nested-acquire',
      'critical exhausted',
    ])
  })

  test.each([
    [9, 300_000, false],
    [10, 299_999, false],
    [10, 300_000, true],
  ])('more than 0.9 × max held for long: %d of 10 leases for %d ms', (held, leasedForMillis, is) => {
    const connections = Array.from({ length: held }, () => connectionOf({ state: 'leased', leasedForMillis }))
    expect(only('held-long', snapshot({ connections }))).toBe(is ? 'warning' : undefined)
  })

  test.each([
    [9, 300_000, false],
    [10, 299_999, false],
    [10, 300_000, true],
  ])('more than 0.9 × max in use at both ends of a while: %d of 10 after %d ms', (total, agoMillis, is) => {
    const earlier = { stats: statsOf({ total: 10 }), agoMillis }
    expect(only('held-long', snapshot({ stats: { total }, earlier }))).toBe(is ? 'warning' : undefined)
  })

  test('a full pool of idle connections holds nothing', () => {
    const full = { total: 10, idle: 10 }
    const earlier = { stats: statsOf(full), agoMillis: 300_000 }
    expect(found(snapshot({ stats: full, earlier }))).toEqual([])
  })
})

describe('the time since an earlier picture', () => {
  test('counts only what has happened since', () => {
    const earlier = { stats: statsOf({ timeouts: 100, wait: times(100, 500) }), agoMillis: 60_000 }
    const stats = { timeouts: 100, wait: times(200, 255), ageMillis: 86_400_000 }
    const [slow, ...others] = advise(snapshot({ stats, earlier }))
    expect(others).toEqual([])
    expect(slow?.evidence).toContain('10 ms on average over 100 acquires')
  })
})

describe('the server', () => {
  test.each([
    [97, 1, undefined],
    [98, 1, 'warning'],
    [20, 4, undefined],
    [20, 5, 'warning'],
  ])('has 100 − 3 sessions for a max of %d in %d instances', (max, instances, severity) => {
    expect(only('above-share', snapshot({ stats: { max } }), activityOf(), { instances })).toBe(severity)
  })

  test('counts the overflow, and the limits of role and database', () => {
    const picture = snapshot({ stats: { max: 10, maxOverflow: 10 } })
    expect(only('above-share', picture, undefined, { maxConnections: 20 })).toBeUndefined()
    expect(only('above-share', picture, undefined, { maxConnections: 20, reserved: 1 })).toBe('warning')
    expect(only('above-share', picture, activityOf(), { roleLimit: 19 })).toBe('warning')
    expect(only('above-share', picture, activityOf(), { databaseLimit: 19 })).toBe('warning')
  })

  test('is asked for no more than the budget that pools share', () => {
    const budget = { max: 98, used: 0, room: 98, limit: 98 }
    const picture = (max: number) => snapshot({ stats: { max: 200, budget: { ...budget, max } } })
    expect(only('above-share', picture(97), activityOf())).toBeUndefined()
    expect(only('above-share', picture(98), activityOf())).toBe('warning')
  })

  const roomy = { ...activityOf().limits, superuserReserved: 0 }
  test.each([
    [79, undefined],
    [80, 'warning'],
    [94, 'warning'],
    [95, 'critical'],
  ])('is nearly out of sessions at 80 %%: %d of 100', (total, severity) => {
    const reserved = { ...roomy, maxConnections: 110, superuserReserved: 3, reserved: 7 }
    expect(only('sessions-near-limit', snapshot(), activityOf({ total, limits: roomy }))).toBe(severity)
    expect(only('sessions-near-limit', snapshot(), activityOf({ total, limits: reserved }))).toBe(severity)
  })

  test.each([
    [7, 15, []],
    [8, 16, ['warning role-limit', 'warning database-limit']],
    [10, 19, ['critical role-limit', 'critical database-limit']],
  ])('lets a role have 10 and a database 20: %d and %d are taken', (ofRole, ofDatabase, codes) => {
    const limits = { ...roomy, roleLimit: 10, databaseLimit: 20 }
    expect(found(snapshot(), activityOf({ ofRole, ofDatabase, limits }))).toEqual(codes)
  })

  test.each([
    ['53300', 'server-full'],
    ['ECONNREFUSED', 'open-failed'],
  ])('that refuses connections with %s is named before what follows from it', (code, finding) => {
    const stats = {
      waiting: 20,
      openFailures: 3,
      lastOpenFailure: { code, message: 'refused', ageMillis: 60_000 },
    }
    expect(found(snapshot({ stats }))).toEqual([`critical ${finding}`, 'critical exhausted'])
    const before = { openFailures: 3, lastOpenFailure: { code, message: 'refused', ageMillis: 60_001 } }
    expect(found(snapshot({ stats: before }))).toEqual([])
  })

  test('that lets nobody in is not mended by a larger pool', () => {
    const lastOpenFailure = { code: 'ECONNREFUSED', message: 'refused', ageMillis: 10 }
    const changes = (stats: Partial<Snapshot['stats']>) =>
      advise(snapshot({ stats: { waiting: 20, openFailures: 3, lastOpenFailure, ...stats } })).map(
        ({ change }) => change,
      )
    const without = changes({ total: 1, idle: 0, leased: 0, opening: 1 })
    expect(without[1]).toBe('See first why connections cannot be opened: until then no max is large enough.')
    expect(without.join()).not.toContain('raise max')
    expect(changes({ total: 1, idle: 0, leased: 1, opening: 0 }).join()).toContain('raise max')
  })

  const root = (given: Partial<Session> = {}) =>
    sessionOf({ pid: 7, application: 'head', state: 'idle in transaction', statement: 'update t', ...given })
  const blockedFor = (waitingMillis: number, own = false) =>
    activityOf({
      blocked: [{ session: sessionOf({ own }), waitingMillis, by: [8], chain: [100, 8, 7], root: root() }],
    })

  test.each([
    [999, undefined],
    [1_000, 'warning'],
    [9_999, 'warning'],
    [10_000, 'critical'],
  ])('has sessions that wait for a lock: %d ms', (waiting, severity) => {
    expect(only('blocked', snapshot(), blockedFor(waiting))).toBe(severity)
  })

  test('has a chain whose head is named, with its last statement and how to end it', () => {
    const [chain] = advise(snapshot(), blockedFor(2_000))
    expect(chain).toMatchObject({
      title: '1 session waits for locks behind session 7 of "head"',
      evidence:
        'The longest wait is 2,000 ms, the longest queue 3 sessions deep (100 → 8 → 7). At the head: idle in transaction for 10 ms; its last statement was update t.',
    })
    expect(chain?.change).toContain('pg_terminate_backend(7)')
  })

  test('tells the head of a queue of locks once, and those who only wait not as long statements', () => {
    const session = sessionOf({ state: 'active', statementMillis: 40_000 })
    const head = root({ stateMillis: 70_000 })
    const blocked = [{ session, waitingMillis: 40_000, by: [7], chain: [100, 7], root: head }]
    expect(found(snapshot(), activityOf({ blocked, idlers: [head], longest: session }))).toEqual([
      'critical blocked',
    ])
    const [wait] = blocked
    const short = wait === undefined ? [] : [{ ...wait, waitingMillis: 500 }]
    expect(found(snapshot(), activityOf({ blocked: short, longest: session }))).toEqual([
      'warning long-statement',
    ])
  })

  test('has a finding for each head of a queue, prepared transactions among them', () => {
    const waiter = (pid: number, head: number) => ({
      session: sessionOf({ pid }),
      waitingMillis: 1_000,
      by: [head],
      chain: [pid, head],
      root: head === 0 ? undefined : root({ pid: head }),
    })
    const titles = advise(
      snapshot(),
      activityOf({ blocked: [waiter(1, 7), waiter(2, 0), waiter(3, 7)] }),
    ).map(({ title }) => title)
    expect(titles).toEqual([
      '2 sessions wait for locks behind session 7 of "head"',
      '1 session waits for locks behind a prepared transaction',
    ])
  })

  test('has three sessions of one application after the same statement for a leak', () => {
    const idle = (count: number, given: Partial<Session> = {}) =>
      Array.from({ length: count }, (_, pid) =>
        sessionOf({ pid, state: 'idle in transaction', stateMillis: 1_000, statement: 'select ?', ...given }),
      )
    const with2 = activityOf({ idlers: idle(2) })
    expect(found(snapshot(), with2)).toEqual(['warning idle-in-transaction'])
    expect(found(snapshot(), activityOf({ idlers: idle(3) }))).toEqual(['critical leak'])
    expect(found(snapshot(), activityOf({ idlers: [...idle(3), ...idle(1, { application: 'b' })] }))).toEqual(
      ['critical leak', 'warning idle-in-transaction'],
    )
    // The pool has named its own with the place where they were taken.
    const leaking = snapshot({ stats: { leaking: 3 } })
    expect(found(leaking, activityOf({ idlers: idle(3, { own: true }) }))).toEqual(['critical leak'])
    expect(found(leaking, activityOf({ idlers: idle(3) }))).toEqual(['critical leak', 'critical leak'])
  })

  test('is to blame before the pool where the waits are those of the pool', () => {
    const picture = snapshot({ stats: { waiting: 11 } })
    expect(found(picture, blockedFor(2_000, true))).toEqual(['critical blocked', 'critical exhausted'])
    expect(found(picture, blockedFor(2_000))).toEqual(['critical exhausted', 'warning blocked'])
  })
})

describe('lifetimes', () => {
  test.each([
    [3_600_000, undefined],
    [3_600_001, 'advice'],
  ])('connections not older than 3,600,000: %d', (ageMillis, severity) => {
    expect(only('old-connections', snapshot({ connections: [connectionOf({ ageMillis })] }))).toBe(severity)
  })

  const bare = { keepAlive: false, prePingMillis: undefined }
  test.each([
    [{ ...bare, idleTimeoutMillis: 240_000 }, undefined],
    [{ ...bare, idleTimeoutMillis: 240_001 }, "Azure's load balancer (4 minutes) would"],
    [{ ...bare, idleTimeoutMillis: 350_000 }, "Azure's load balancer (4 minutes) would"],
    [{ ...bare, idleTimeoutMillis: 350_001 }, 'network load balancer (350 seconds) would'],
    [{ ...bare, min: 1 }, 'network load balancer (350 seconds) would'],
    [{ ...bare, idleTimeoutMillis: 350_001, keepAlive: true }, undefined],
    [{ ...bare, idleTimeoutMillis: 350_001, prePingMillis: 30_000 }, undefined],
  ])('idle connections that firewalls forget: %o', (settings, evidence) => {
    const finding = advise(snapshot({ settings })).find(({ code }) => code === 'idle-beyond-firewall')
    if (evidence === undefined) expect(finding).toBeUndefined()
    else expect(finding?.evidence).toContain(evidence)
  })

  test.each([
    [{ idleTimeoutMillis: 10_000 }, 10_000, undefined],
    [{ idleTimeoutMillis: 10_000 }, 9_999, 'warning'],
    [{ min: 1 }, 86_400_000, 'warning'],
    [{ min: 1 }, undefined, undefined],
  ])('idle connections that the server ends first: %o against %s', (settings, idleSession, severity) => {
    const activity = activityOf({ timeouts: { ...activityOf().timeouts, idleSession } })
    expect(only('idle-beyond-server', snapshot({ settings }), activity)).toBe(severity)
  })
})

describe('what does not fit', () => {
  test.each([
    [{ settings: { profile: 'serverless' }, uptimeMillis: 3_599_999 }, undefined],
    [{ settings: { profile: 'serverless' }, uptimeMillis: 3_600_000 }, 'advice'],
    [{ settings: { profile: 'edge' }, uptimeMillis: 3_600_000 }, 'advice'],
    [{ settings: { profile: 'serverless' }, uptimeMillis: 3_600_000, serverless: true }, undefined],
    [{ settings: { profile: 'edge' }, stats: { ageMillis: 3_600_000 } }, 'advice'],
    [{ settings: { profile: 'edge' }, stats: { ageMillis: 3_600_000 }, uptimeMillis: 1_000 }, 'advice'],
    [{ settings: { profile: 'edge' }, stats: { ageMillis: 3_599_999 } }, undefined],
    [{ settings: { profile: 'serverless' }, stats: { ageMillis: 3_600_000 }, serverless: true }, undefined],
    [{ settings: { profile: 'persistent' }, uptimeMillis: 3_600_000 }, undefined],
    [{ settings: { profile: 'persistent' }, stats: { ageMillis: 1 } }, undefined],
    [{ settings: { profile: 'persistent' }, serverless: true }, 'warning'],
    [{ settings: { profile: 'high-performance' }, serverless: true }, 'warning'],
  ])('the wrong profile for the life of the process: %o', (given, severity) => {
    expect(only('wrong-profile', snapshot(given))).toBe(severity)
  })

  test.each([
    ['direct', { serverless: true }, 'warning'],
    ['session', { serverless: true }, 'warning'],
    ['transaction', { serverless: true }, undefined],
    ['session', { serverless: false }, undefined],
  ])('session mode in a serverless process: %s, %o', (endpoint, given, severity) => {
    const picture = snapshot({ ...given, settings: { endpoint } })
    expect(only('session-mode-serverless', picture)).toBe(severity)
  })

  test('session mode with a profile for serverless processes', () => {
    expect(only('session-mode-serverless', snapshot({ settings: { profile: 'edge' } }))).toBe('warning')
  })

  test.each([
    [{ endpoint: 'transaction' }, 'warning'],
    [{ endpoint: 'transaction', carriesPrepared: true }, undefined],
    [{ endpoint: 'transaction', preparedStatements: 0 }, undefined],
    [{ endpoint: 'session' }, undefined],
  ])('prepared statements through a pooler that cannot carry them: %o', (settings, severity) => {
    expect(only('prepared-through-pooler', snapshot({ settings }))).toBe(severity)
  })

  test.each([
    ['direct', 4_194_305, 'warning'],
    ['direct', -1, 'warning'],
    ['direct', 4_194_304, undefined],
    ['session', 4_194_305, undefined],
  ])('a pooler where %s was said: process %d', (endpoint, processId, severity) => {
    const picture = snapshot({ settings: { endpoint }, connections: [connectionOf({ processId })] })
    expect(only('endpoint-mismatch', picture)).toBe(severity)
  })

  test.each([
    ['transaction', true, 'advice'],
    ['transaction', 'auto', undefined],
    ['session', true, undefined],
  ] as const)('lanes through a pooler that cannot carry them: %s, %s', (endpoint, pipelining, severity) => {
    expect(only('pipelining-through-pooler', snapshot({ settings: { endpoint, pipelining } }))).toBe(severity)
  })

  const learned = (highMillis: number) => [{ text: 'select ?', calls: 3, meanMillis: 1, highMillis }]
  test.each([
    [3, learned(999), undefined],
    [3, learned(1_000), 'warning'],
    [4, learned(1_000), undefined],
  ])('long statements in a pool of three: max %d, %o', (max, statements, severity) => {
    expect(only('long-statements-small-pool', snapshot({ settings: { max }, statements }))).toBe(severity)
  })

  test('a statement of its own that runs for long in a pool of three', () => {
    const longest = sessionOf({ own: true, state: 'active', statementMillis: 1_000 })
    const picture = snapshot({ settings: { max: 3 } })
    expect(only('long-statements-small-pool', picture, activityOf({ longest }))).toBe('warning')
    const others = activityOf({ longest: { ...longest, own: false } })
    expect(only('long-statements-small-pool', picture, others)).toBeUndefined()
  })
})

describe('a pool that is larger than its work', () => {
  const large = { max: 40, idle: 11, utilization: 29, ageMillis: 60_000, lease: times(1, 29 * 24_000) }
  test.each([
    [large, 'advice'],
    [{ ...large, idle: 10 }, undefined],
    [{ ...large, utilization: 30 }, undefined],
    [{ ...large, lease: times(1, 30 * 24_000) }, undefined],
    [{ ...large, ageMillis: 59_999 }, undefined],
  ])('below 30 %% in use with more than 10 idle for a minute: %o', (stats, severity) => {
    expect(only('max-large', snapshot({ stats }))).toBe(severity)
  })

  test('should be 0.7 of what it is', () => {
    expect(advise(snapshot({ stats: large }))[0]?.change).toContain('max to 28')
  })

  test.each([
    [{ ageMillis: 600_000, uses: 0 }, 'advice'],
    [{ ageMillis: 599_999, uses: 0 }, undefined],
    [{ ageMillis: 600_000, uses: 1 }, undefined],
  ])('min that was never used: %o', (connection, severity) => {
    const connections = [connectionOf(connection), connectionOf({ uses: 9 })]
    expect(only('min-unused', snapshot({ stats: { min: 2 }, connections }))).toBe(severity)
    expect(only('min-unused', snapshot({ connections }))).toBeUndefined()
  })
})

test('every finding has all of its sentences, and is frozen', () => {
  const picture = snapshot({
    stats: { waiting: 200, timeouts: 9, nested: 1, leaking: 1, total: 12, maxOverflow: 2 },
    settings: { max: 3, acquireTimeoutMillis: 1 },
  })
  const findings = advise(picture, activityOf({ total: 90 }))
  expect(findings.length).toBeGreaterThan(5)
  for (const finding of findings) {
    expect(finding.title).toMatch(/^["A-Z0-9].*[^.]$/)
    expect(`${finding.evidence} ${finding.reason}`).toMatch(/\. [A-Z0-9].*\.$/)
    expect(Object.keys(finding).sort()).toEqual(['change', 'code', 'evidence', 'reason', 'severity', 'title'])
    for (const text of Object.values(finding)) expect(text).not.toMatch(/^$|undefined|NaN|Infinity/)
    expect(Object.isFrozen(finding)).toBe(true)
  }
})

test('the number of instances is 1 or more', () => {
  expect(() => advise(snapshot(), undefined, { instances: 0 })).toThrow('instances must be a whole number')
})
