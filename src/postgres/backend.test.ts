import { expect, test } from 'vitest'
import type { HandPool } from '../../test/support/hand-pool.ts'
import { handPool } from '../../test/support/hand-pool.ts'
import type { HandSocket } from '../../test/support/hand-server.ts'
import { settle } from '../../test/support/manual-clock.ts'
import { Backends } from './backend.ts'

/** A pool of so many connections, one of which is lent and asked about. */
async function house(max: number) {
  const pool = handPool({ max })
  const lease = await pool.lend()
  const { clock, engine, sessions } = pool
  const backends = new Backends({
    engine,
    clock,
    open: (signal) => sessions.open(signal),
    close: (client, signal) => sessions.close(client, signal),
  })
  return { ...pool, client: lease.resource, backends }
}

/** The socket on which the question comes, where it is to be answered with one row. */
async function asked({ server }: HandPool): Promise<HandSocket> {
  for (let n = 0; n < 5; n++) await settle()
  const socket = server.sockets[1] as HandSocket
  socket.fields = ['own', 'pid', ['state', 25]]
  return socket
}

/** The process of every hand-made session. */
const OWN = '7'

test.each([
  [OWN, '7', 'active', 'works'],
  [OWN, '7', 'fastpath function call', 'works'],
  [OWN, '7', 'idle', 'rests'],
  [OWN, '7', 'idle in transaction', 'rests'],
  [OWN, '7', 'idle in transaction (aborted)', 'rests'],
  [OWN, null, null, 'gone'],
  [OWN, '7', null, 'unknown'],
  [OWN, '7', 'disabled', 'unknown'],
  // A pooler: the process that it names is not the one that the statement runs in.
  ['4711', null, null, 'unknown'],
])('asked in session %s, process %s in state %s: %s', async (own, pid, state, doing) => {
  const parts = await house(2)
  const answer = parts.backends.doing(parts.client, false)
  const socket = await asked(parts)
  expect(socket.said().join()).toContain('(7)')
  await socket.answer({ rows: [[own, pid, state]] })
  expect(await answer).toBe(doing)
  await settle()
  expect(parts.engine.numbers()).toMatchObject({ leased: 1, idle: 1 })
})

test('a pool without a connection to spare cannot tell, unless it is urgent: then for a moment there is one more', async () => {
  const parts = await house(1)
  const idle = parts.backends.doing(parts.client, false)
  await parts.clock.advance(1_000)
  expect([await idle, parts.server.sockets.length]).toEqual(['unknown', 1])
  const urgent = parts.backends.doing(parts.client, true)
  await parts.clock.advance(1_000)
  const socket = await asked(parts)
  await socket.answer({ rows: [[OWN, '7', 'idle']] })
  await settle()
  expect([await urgent, socket.writableEnded]).toEqual(['rests', true])
  expect(parts.engine.numbers()).toMatchObject({ leased: 1, idle: 0 })
})

test('a question that is not answered, or refused, tells nothing, and its connection is not kept', async () => {
  const parts = await house(2)
  const silent = parts.backends.doing(parts.client, false)
  await asked(parts)
  await parts.clock.advance(2_000)
  expect(await silent).toBe('unknown')
  await parts.clock.advance(10_000)
  expect(parts.engine.numbers()).toMatchObject({ leased: 1, idle: 0 })
})
