import { describe, expect, test } from 'vitest'
import { sessionOf } from '../../../test/support/pictures.ts'
import { byApplication, readBlocked, readSession } from './sessions.ts'

const row = { pid: 7, application: 'worker', state: 'active', statement: "select 'secret'" }

describe('a session', () => {
  test('has a statement without literals, and is one of the pool by its process id', () => {
    expect(readSession(row, new Set([7]))).toMatchObject({ pid: 7, statement: 'select ?', own: true })
    expect(readSession(row, new Set([8])).own).toBe(false)
  })

  test('that the role may not see has no statement', () => {
    const hidden = { ...row, state: null, statement: '<insufficient privilege>' }
    expect(readSession(hidden, new Set())).toMatchObject({ state: undefined, statement: undefined })
  })
})

describe('sessions that wait', () => {
  const sessions = [1, 2, 3].map((pid) => sessionOf({ pid, statementMillis: pid * 100 }))
  const chains = (waits: [pid: number, by: number[]][]) =>
    readBlocked(
      waits.map(([pid, by]) => ({ pid, by, waitingMillis: pid })),
      sessions,
    ).map(({ chain, root }) => ({ chain, root: root?.pid }))

  test('are followed to the one who waits for nobody, the longest wait first', () => {
    expect(
      chains([
        [2, [1]],
        [3, [2, 1]],
      ]),
    ).toEqual([
      { chain: [3, 2, 1], root: 1 },
      { chain: [2, 1], root: 1 },
    ])
  })

  test('for each other end where the circle closes', () => {
    expect(
      chains([
        [1, [2]],
        [2, [1]],
      ]),
    ).toEqual([
      { chain: [2, 1], root: 1 },
      { chain: [1, 2], root: 2 },
    ])
  })

  test('for a prepared transaction have no root', () => {
    expect(chains([[1, [0]]])).toEqual([{ chain: [1, 0], root: undefined }])
  })

  test('and have got their lock between two questions, or gone, are left out', () => {
    expect(
      chains([
        [1, []],
        [9, [1]],
      ]),
    ).toEqual([])
  })

  test('are named once though their parallel workers wait too', () => {
    const [only] = readBlocked([{ pid: 2, by: [1, 1, 1], waitingMillis: 5 }], sessions)
    expect(only?.by).toEqual([1])
  })

  test('wait since their statement began where the server does not say since when', () => {
    const [only] = readBlocked([{ pid: 2, by: [1], waitingMillis: null }], sessions)
    expect(only?.waitingMillis).toBe(200)
  })
})

test('applications come by the number of their sessions', () => {
  const counted = byApplication([
    sessionOf({ application: 'one', state: 'active', statementMillis: 5 }),
    sessionOf({ application: 'two' }),
    sessionOf({ application: 'two', state: 'idle in transaction (aborted)' }),
  ])
  expect(counted).toEqual([
    { application: 'two', total: 2, active: 0, idle: 1, idleInTransaction: 1 },
    { application: 'one', total: 1, active: 1, idle: 0, idleInTransaction: 0 },
  ])
})
