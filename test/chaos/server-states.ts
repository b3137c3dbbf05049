/** The server is there and does not let in, or does not answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { NAME, PASSWORD, ROLE, underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'
import { MAX } from './subject.ts'

const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`

/** Others take up every connection that the server has, and the pool's own are killed; later they let go. */
export function tooManyClients(run: Run): Promise<Row> {
  return underFault(
    run,
    'too many clients',
    async ({ world, subject, millis, note }) => {
      const others: pg.Client[] = []
      const until = performance.now() + millis
      while (performance.now() < until) {
        const client = new pg.Client({ connectionString: world.url, application_name: 'chaos-others' })
        client.on('error', () => undefined)
        const full = await client.connect().then(
          () => others.push(client) && false,
          () => true,
        )
        // What the pool still has, or has got again, goes to the others too.
        if (full) await world.server.admin(KILL, [NAME])
        if (full) await sleep(20)
      }
      note('taken by others', others.length)
      note('opens tried', subject.connects.filter((at) => at >= until - millis).length)
      await Promise.all(others.map((client) => client.end()))
    },
    { settings: { max_connections: MAX + 16, superuser_reserved_connections: 6 } },
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
      pool: ({ url }) => {
        const open = new URL(url)
        open.password = ''
        return { url: open.href, config: { password: async () => password } }
      },
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
