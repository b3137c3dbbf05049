/** The server is there and does not let in, or does not answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { connectsSince, NAME, PASSWORD, ROLE, underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'
import { MAX } from './subject.ts'

const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`

/** Opens that the server refuses take a place until it has refused them; the watch must be let in all the same. */
const RESERVED = MAX + 6
const MAX_CONNECTIONS = RESERVED + 20
/** One is taken by who watches the sessions. */
const FOR_OTHERS = MAX_CONNECTIONS - RESERVED - 1

/** Others take up every connection that the server has, and the pool's own are killed; later they let go. */
export function tooManyClients(run: Run): Promise<Row> {
  return underFault(
    run,
    'too many clients',
    async ({ world: { server, url }, subject, millis, note }) => {
      // The same refusal (53300), for the role alone: no pool, however often it asks, gets a place before the others do.
      await server.admin(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`)
      await server.admin(`CREATE ROLE others LOGIN PASSWORD '${PASSWORD}'`)
      const from = performance.now()
      const others = new URL(url)
      others.username = 'others'
      const taken: pg.Client[] = []
      while (taken.length < FOR_OTHERS && performance.now() < from + millis / 2) {
        await server.admin(KILL, [NAME])
        await take(others.href, taken)
      }
      await sleep(Math.max(0, from + millis - performance.now()))
      note('taken by others', taken.length)
      note('opens tried meanwhile', connectsSince(subject, from).length)
      await Promise.all(taken.map((client) => client.end()))
      await server.admin(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`)
    },
    { settings: { max_connections: MAX_CONNECTIONS, superuser_reserved_connections: RESERVED } },
  )
}

/** Takes what it gets at once. */
async function take(url: string, taken: pg.Client[]): Promise<void> {
  await Promise.allSettled(
    Array.from({ length: FOR_OTHERS - taken.length }, async () => {
      const client = new pg.Client({ connectionString: url, application_name: 'chaos-others' })
      client.on('error', () => undefined)
      await client.connect()
      taken.push(client)
    }),
  )
}

/** The role's password changes, and every session is killed, three times; the pool asks a function for the password. */
export function rotatedPassword(run: Run): Promise<Row> {
  let password = PASSWORD
  return underFault(
    run,
    'rotated password',
    async ({ world: { server, random }, millis }) => {
      for (let turn = 0; turn < 3; turn++) {
        const next = `password-${random.between(0, 1_000_000_000)}`
        await server.admin(`ALTER ROLE ${ROLE} PASSWORD '${next}'`)
        await server.admin(KILL, [NAME])
        // The secret store is a little behind the server.
        await sleep(100)
        password = next
        await sleep(millis / 3)
      }
    },
    {
      // A connection string would have the last word on the password.
      pool: ({ server: { host, port } }) => ({
        url: undefined,
        config: { host, port, user: ROLE, database: 'sluice', password: async () => password },
      }),
    },
  )
}

/** Every process of the server stands still. */
export function frozenServer(run: Run): Promise<Row> {
  return underFault(run, 'server frozen', async ({ world: { server }, millis }) => {
    server.freeze()
    await sleep(millis)
    server.thaw()
  })
}
