/** The server of the headline bench: near, and the same one far away behind TLS and SCRAM. */
import { chmodSync, chownSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openDetour } from '../dist/cli/load/detour.js'
import { makeRunDirectory, serverAccount } from '../dist/demo/account.js'
import { startPostgres } from '../dist/demo/embedded.js'

const KEYS = new URL('../test/support/tls/', import.meta.url)
/** A TLS connection with SCRAM takes six round trips: TCP, the wish for TLS, TLS itself, and three of words and proofs. */
const ROUND_TRIP_MILLIS = 25

/** @typedef {import('../dist/cli/load/ways.js').WayOptions} WayOptions */

/**
 * A server that speaks TLS and is a round trip of 25 ms away.
 * @returns {Promise<{ near: import('../dist/demo/embedded.js').EmbeddedPostgres, far: Pick<WayOptions, 'url' | 'detour'>, close: () => Promise<void> }>}
 */
export async function openServer() {
  const folder = keysFolder()
  const files = { ssl_cert_file: join(folder, 'server.crt'), ssl_key_file: join(folder, 'server.key') }
  const near = await startPostgres({ settings: { ssl: 'on', ...files, max_connections: 150 } })
  const detour = await openDetour({ host: near.host, port: near.port }, ROUND_TRIP_MILLIS)
  const url = new URL(near.url)
  url.hostname = 'localhost'
  url.searchParams.set('sslmode', 'verify-full')
  url.searchParams.set('sslrootcert', files.ssl_cert_file)
  const close = async () => {
    await detour.close()
    await near.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { near, far: { url: url.href, detour }, close }
}

/** The server reads its key only where the key is its own. */
function keysFolder() {
  const account = serverAccount()
  const folder = makeRunDirectory(account)
  for (const name of ['server.crt', 'server.key']) {
    const path = join(folder, name)
    copyFileSync(new URL(name, KEYS), path)
    chmodSync(path, 0o600)
    if (account !== undefined) chownSync(path, account.uid, account.gid)
  }
  return folder
}

/** Runs one statement as the superuser. @param {string} url @param {string} text @param {unknown[]} [values] */
export async function once(url, text, values) {
  const client = new pg.Client({ connectionString: url, application_name: 'headline-admin' })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Waits until the server has no session left but the one that asks, and those named. @param {string} url @param {string} [besides] */
export async function settled(url, besides = '') {
  const others = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> $1`
  for (let n = 0; n < 100; n++) {
    const [row] = await once(url, others, [besides])
    if (row.n === 0) return
    await sleep(50)
  }
  throw new Error('the server still has sessions that nobody uses any more')
}
