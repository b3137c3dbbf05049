// Two workers of a cluster, each with a pool of its own, and what prom-client makes of their metrics in the first process: it prints the
// text. Usage: node metrics-cluster.mjs, with the connection string in DATABASE_URL.
import cluster from 'node:cluster'
import process from 'node:process'
import { AggregatorRegistry, register } from 'prom-client'
import { Pool } from 'sluice'
import { prometheus } from 'sluice/monitor'

const WORKERS = 2

if (cluster.isPrimary) {
  const registry = new AggregatorRegistry()
  const workers = Array.from({ length: WORKERS }, () => cluster.fork())
  await Promise.all(workers.map((worker) => new Promise((done) => worker.once('message', done))))
  process.stdout.write(await registry.clusterMetrics())
  for (const worker of workers) worker.process.kill('SIGKILL')
} else {
  // Listens for the first process asking.
  new AggregatorRegistry()
  const worker = String(cluster.worker?.id)
  const pool = new Pool({ connectionString: process.env.DATABASE_URL })
  prometheus({ main: pool }, register, { labels: { worker } })
  for (let n = 0; n < Number(worker) * 10; n++) await pool.query('SELECT 1', [], { class: 'simple' })
  process.send?.('ready')
}
