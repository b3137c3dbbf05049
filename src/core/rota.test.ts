import { expect, test } from 'vitest'
import { Rota } from './rota.ts'

/** Serves whoever has the earliest next turn, agents in the order in which they are named; returns who was served. */
function play(rota: Rota, weights: Readonly<Record<string, number>>, turns: number): string {
  const next = new Map(Object.entries(weights).map(([agent, weight]) => [agent, rota.next(agent, weight)]))
  let served = ''
  for (let n = 0; n < turns; n++) {
    const [first] = [...next].toSorted(([, a], [, b]) => a - b)
    if (first === undefined) throw new Error('nobody waits')
    const [agent, turn] = first
    served += agent
    rota.had(agent, turn)
    next.delete(agent)
    next.set(agent, rota.next(agent, weights[agent] ?? 1))
  }
  return served
}

test('one agent alone has no turns to count', () => {
  const rota = new Rota()
  expect([rota.next('a', 1), rota.next('a', 1)]).toEqual([0, 0])
  rota.had('a', 0)
  expect(rota.next('a', 1)).toBe(0)
})

test('agents of one weight take turns', () => {
  expect(play(new Rota(), { a: 1, b: 1, c: 1 }, 9)).toMatch(/^a(bca){2}bc$|^(abc){3}$/)
})

test('an agent of weight three has three turns for each one of another', () => {
  const served = play(new Rota(), { a: 3, b: 1 }, 4_000)
  expect(served.split('b').length).toBeGreaterThanOrEqual(1_000)
  expect(served).not.toMatch(/aaaa|bb/)
})

test('who comes anew does not have the turns of before', () => {
  const rota = new Rota()
  play(rota, { a: 1, b: 1 }, 200)
  const [late, next] = [rota.next('late', 1), rota.next('a', 1)]
  expect(late).toBeGreaterThanOrEqual(next - 2 ** 20)
  rota.had('late', late)
  expect(rota.next('late', 1)).toBeGreaterThan(next)
})

test('a turn of an earlier number, in another line, takes none of the later ones back', () => {
  const rota = new Rota()
  const first = rota.next('a', 1)
  rota.next('b', 1)
  const later = rota.next('a', 1)
  rota.had('a', later)
  const after = rota.next('a', 1)
  rota.had('a', first)
  expect(rota.next('a', 1)).toBe(after)
})
