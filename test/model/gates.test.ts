// Every way in which a driver's operations can end, combined with every other, under callers who change their minds.
import { expect, test } from 'vitest'
import type { FakePool, Operation } from '../support/fake-driver.ts'
import { fakePool, OUTCOMES } from '../support/fake-driver.ts'
import { randomOf } from '../support/random.ts'

const OPERATIONS: readonly Operation[] = ['open', 'init', 'check', 'cancel', 'settle', 'close']
const COMBINATIONS = OUTCOMES.length ** OPERATIONS.length
const MAX = 2
const CALLERS = 6

type Combination = Record<Operation, (typeof OUTCOMES)[number]>

function combination(index: number): Combination {
  const words = OPERATIONS.map((operation, place) => [
    operation,
    OUTCOMES[Math.floor(index / OUTCOMES.length ** place) % OUTCOMES.length],
  ])
  return Object.fromEntries(words) as Combination
}

const options = {
  max: MAX,
  acquireTimeoutMillis: 300,
  connectionTimeoutMillis: 50,
  checkTimeoutMillis: 50,
  cancelTimeoutMillis: 50,
  closeTimeoutMillis: 50,
  endTimeoutMillis: 100,
  idleTimeoutMillis: 60,
  prePing: 5,
}

/** What went wrong while six callers took two connections that behave like that. */
async function play(words: Combination, always: boolean, seed: number): Promise<string[]> {
  const random = randomOf(seed)
  const house = fakePool(options, random)
  const { clock, driver, pool } = house
  driver.honoursAbort = random() < 0.5
  driver.bound = () => MAX + pool.stats().lost
  for (const operation of OPERATIONS) {
    if (always) driver.plan[operation] = words[operation]
    // First well, so that the later operations are reached; then as scripted; then well again.
    else driver.next(operation, 'ok', words[operation], words[operation])
  }
  const callers = Array.from({ length: CALLERS }, () => call(house, random))
  for (let waited = 0; waited < 500; waited += 10) {
    await clock.advance(10)
    for (const caller of callers) caller.act()
  }
  const before = pool.stats()
  let over = false
  void pool.end().then(() => {
    over = true
  })
  await clock.advance(1_000)
  const { total, leased, waiting, lost } = pool.stats()
  const wrong = [...driver.violations, ...callers.flatMap(({ wrong }) => wrong())]
  if (before.waiting + waiting > 0) wrong.push(`${before.waiting + waiting} wait for ever`)
  if (leased > 0) wrong.push(`${leased} are leased in the end`)
  if (total > 0) wrong.push(`${total} slots are left`)
  if (!over) wrong.push('end() does not finish')
  if (clock.armed() > 0) wrong.push(`${clock.armed()} timers are armed`)
  if (driver.sessions.size > lost) wrong.push(`${driver.sessions.size} sessions are left, ${lost} lost`)
  return wrong
}

/** One caller: asks at some time, may abort, holds for a while, gives back in one way or another. */
function call({ clock, ask }: FakePool, random: () => number) {
  const abort = new AbortController()
  const asksAt = Math.floor(random() * 100)
  const abortsAt = random() < 0.3 ? asksAt + random() * 60 : Number.POSITIVE_INFINITY
  const holds = random() * 40
  const how = random()
  let asked: ReturnType<typeof ask> | undefined
  let backAt: number | undefined
  let back = false
  const act = () => {
    const now = clock.now()
    if (asked === undefined && now >= asksAt) asked = ask({ signal: abort.signal })
    if (now >= abortsAt) abort.abort()
    if (asked?.lease === undefined || back) return
    backAt ??= now + holds
    if (now < backAt) return
    back = true
    if (how < 0.3) asked.lease.cancel()
    else asked.lease.release(how > 0.9 ? new Error('broken') : undefined)
  }
  const wrong = () => {
    if (asked?.answers !== 1) return [`a caller has ${asked?.answers} answers`]
    return asked.state === 'lent' && !back ? ['a caller was served and never came round'] : []
  }
  return { act, wrong }
}

const MODES = [
  ['the second and third time', false],
  ['every time', true],
] as const

test.each(MODES)(
  `each of ${COMBINATIONS} combinations of ok, error, slow and never, %s, leaves the pool whole`,
  { timeout: 120_000 },
  async (_when, always) => {
    const broken: string[] = []
    for (let index = 0; index < COMBINATIONS && broken.length < 5; index++) {
      const words = combination(index)
      const wrong = await play(words, always, index)
      if (wrong.length > 0) broken.push(`${index} ${JSON.stringify(words)}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  },
)
