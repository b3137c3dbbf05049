/** Probes of a process whose database goes away and comes back, as an orchestrator asks them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { healthHandler, nodeHandler } from '../../src/monitor/index.ts'
import { networks, poolsWith } from '../support/pools.ts'

const network = networks()
const open = poolsWith({ max: 2 })

const ending: (() => void)[] = []
afterEach(() => {
  for (const end of ending.splice(0)) end()
})

/** Serves both probes, and returns the way to ask them. */
async function probes(pool: Pool, timeoutMillis: number) {
  const live = nodeHandler(healthHandler({ main: pool }, { probe: 'liveness' }))
  const ready = nodeHandler(healthHandler({ main: pool }, { probe: 'readiness', timeoutMillis }))
  const server = createServer((request, response) =>
    (request.url === '/live' ? live : ready)(request, response),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    return { code: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() }
  }
}

test('a database that says nothing makes the process unready and leaves it alive, until it answers again', async () => {
  const { connectionString, proxy } = await network()
  const pool = open({ connectionString })
  const ask = await probes(pool, 2_000)
  const ready = async () => {
    for (;;) {
      const answer = await ask('/ready')
      if (answer.code === 200) return answer
    }
  }
  expect(JSON.parse((await ready()).text)).toMatchObject({
    pools: { main: { checks: { database: { status: 'healthy', message: 'answers SELECT 1' } } } },
  })
  proxy.hold()
  const [away, alive] = await Promise.all([ask('/ready'), ask('/live')])
  expect([away.code, away.retryAfter, alive.code]).toEqual([503, '1', 200])
  proxy.heal()
  expect((await ready()).code).toBe(200)
  await pool.end()
  expect([(await ask('/live')).code, (await ask('/ready')).code]).toEqual([503, 503])
})

test('the password of a database that is not there is not told', async () => {
  const ask = await probes(open({ connectionString: 'postgres://app:s3cr3t@127.0.0.1:9/app' }), 20_000)
  const { code, text } = await ask('/ready')
  expect(code).toBe(503)
  expect(text).toContain('ECONNREFUSED')
  expect(text).not.toContain('s3cr3t')
})
