/** Sessions whose network has gone: the server would go on working for nobody, and count them beside those that take their place. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions } from '../support/postgres.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 4 })

test('statements whose network is cut are stopped at the server, which counts no more than max sessions', async () => {
  const name = 'sluice-orphans'
  const { proxy, connectionString } = await network()
  const pool = open({ connectionString, applicationName: name })
  const told = Array.from({ length: 4 }, () =>
    pool.query('SELECT pg_sleep(60)').catch((error: { code: string }) => error.code),
  )
  await eventually(4, () => sessions(name))
  await pause(100)
  proxy.cut()
  expect(await Promise.all(told)).toEqual(Array.from({ length: 4 }, () => 'ECONNRESET'))
  const leases = await Promise.all(Array.from({ length: 4 }, () => pool.lease()))
  expect(await eventually(4, () => sessions(name))).toBe(4)
  for (const lease of leases) lease.release()
  expect(pool.stats().lost).toBe(0)
})

test('those that cannot be reached any more are reported as lost', async () => {
  const { proxy, connectionString } = await network()
  const pool = open({ connectionString, connectionTimeoutMillis: 300 })
  const told = pool.query('SELECT pg_sleep(1)').catch((error: { code: string }) => error.code)
  await pause(200)
  await proxy.close()
  expect(await told).toBe('ECONNRESET')
  expect(await eventually(1, () => pool.stats().lost)).toBe(1)
})
