/** What sessions cost the server: the memory of its processes, with a connection for each request and through a pool. */
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { lookup } from '../dist/cli/load/statements.js'
import { Pool } from '../dist/index.js'
import { atLeast } from './harness.mjs'
import { settled } from './headline-server.mjs'

/**
 * Many requests at once, on a connection each and through a pool.
 * @param {import('../dist/demo/embedded.js').EmbeddedPostgres} server
 * @param {number} max connections of the pool; there are ten times as many requests
 */
export async function memory(server, max) {
  const requests = 10 * max
  const clients = Array.from({ length: requests }, () => new pg.Client({ connectionString: server.url }))
  const pool = new Pool({ connectionString: server.url, max })
  const work = ['SELECT count(*) FROM pg_catalog.pg_attribute', lookup]
  const atRest = serverMemory(server.processId)
  await Promise.all(clients.map((client) => client.connect()))
  await Promise.all(clients.map((client) => inTurn(work, (text) => client.query(text))))
  const apart = more(serverMemory(server.processId), atRest)
  await Promise.all(clients.map((client) => client.end()))
  await settled(server.url)
  const between = serverMemory(server.processId)
  await Promise.all(Array.from({ length: requests }, () => inTurn(work, (text) => pool.query(text))))
  const pooled = more(serverMemory(server.processId), between)
  const { total } = pool.stats()
  await pool.end()
  return {
    section: {
      title: `Memory of the server’s processes, ${requests} requests at once: how much more than at rest`,
      notes: [
        'The proportional set size of all processes of the server: what several share counts once. Of shared memory, which a server has with or without sessions, it is what these have touched; the goal is about the rest. The pool has its default options: it opens what it needs.',
      ],
      rows: [
        memoryRow('a connection each', requests, apart),
        memoryRow(`Sluice, max ${max}`, total, pooled),
      ],
    },
    goals: [
      atLeast(
        `${requests} requests through ${max} connections: percent less memory`,
        100 * (1 - pooled.own / apart.own),
        90,
      ),
    ],
  }
}

/** @typedef {ReturnType<typeof serverMemory>} Memory */

/** @param {Memory} now @param {Memory} before */
function more(now, before) {
  return { own: now.own - before.own, shared: now.shared - before.shared }
}

/** @param {string} way @param {number} sessions @param {Memory} memory */
function memoryRow(way, sessions, { own, shared }) {
  return {
    way,
    sessions,
    'their own, MB': own / 1_024,
    'a session, MB': own / 1_024 / sessions,
    'in shared memory, MB': shared / 1_024,
  }
}

/** @param {string[]} texts @param {(text: string) => Promise<unknown>} ask */
async function inTurn(texts, ask) {
  for (const text of texts) await ask(text)
}

/**
 * What a server's processes take of the memory, in kilobytes: a page that several share counts for each in part, so the sum is
 * what would be free without them. `shared` is the part in shared memory, which a server has with or without sessions.
 * @param {number} postmaster
 */
function serverMemory(postmaster) {
  const family = readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && (Number(pid) === postmaster || parentOf(pid) === postmaster),
  )
  const rollups = family.map((pid) => readIfThere(`/proc/${pid}/smaps_rollup`))
  const sum = (/** @type {RegExp} */ line) =>
    rollups.reduce((total, text) => total + Number(line.exec(text)?.[1] ?? 0), 0)
  const shared = sum(/^Pss_Shmem:\s+(\d+)/m)
  return { own: sum(/^Pss:\s+(\d+)/m) - shared, shared }
}

/** A process may end between being listed and being read. @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function parentOf(/** @type {string} */ pid) {
  // The name, in brackets, may hold anything.
  return Number(
    readIfThere(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  )
}
