/** `sluice demo` with the dashboard beside it, as the shell runs it. */
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Playground, Running } from './cli-support.ts'
import { playground, run, start } from './cli-support.ts'

const nothing = { files: [], processes: [] }
const size = ['--scale', '0.05', '--max', '4']
const anyPort = ['--dashboard-port', '0']

interface Watched {
  run: string
  pools: {
    name: string
    max: number
    counts: { total: number }
    totals: { acquired: number; opened: number }
  }[]
}

/** Where the demo says that its dashboard is. */
async function urlOf({ child, said }: Running): Promise<string> {
  let text = ''
  child.stdout?.on('data', (part: string) => {
    text += part
  })
  await said('Dashboard  http')
  return /http:\/\/127\.0\.0\.1:\d+\//.exec(text)?.[0] ?? ''
}

const look = async (url: string): Promise<Watched> => JSON.parse((await run(['watch', url, '--json'])).stdout)

async function lookUntil(url: string, seen: (watched: Watched) => boolean): Promise<Watched> {
  for (;;) {
    const watched = await look(url)
    if (seen(watched)) return watched
  }
}

const acquired = ({ pools }: Watched): number => pools[0]?.totals.acquired ?? 0

async function taking(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    // Somebody else may have it: it is taken all the same.
    server.once('error', () => resolve())
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  return { server, port: typeof address === 'object' && address !== null ? address.port : port }
}

describe('the dashboard of the demo', { timeout: 90_000 }, () => {
  let place: Playground
  beforeEach(() => {
    place = playground()
  })
  afterEach(() => place.remove())

  test('shows the pool of each turn of Sluice, and is gone with the demo', async () => {
    const demo = start(['demo', '--seconds', '300', ...size, '--dashboard', ...anyPort], place.env)
    const url = await urlOf(demo)
    const watched = await lookUntil(url, (seen) => acquired(seen) > 0)
    expect(watched.pools).toMatchObject([{ name: 'sluice', max: 4 }])
    demo.child.kill('SIGINT')
    expect((await demo.ended).code).toBe(130)
    expect((await run(['watch', url])).stderr).toContain('Nothing accepts connections')
    expect(place.leftovers()).toEqual(nothing)
  })

  test('is kept up with --serve: work goes on, counters too, and Ctrl-C is how it ends', async () => {
    const demo = start(['demo', '--seconds', '1', ...size, '--serve', ...anyPort], place.env)
    const url = await urlOf(demo)
    await demo.said('until Ctrl-C')
    const served = await lookUntil(url, ({ pools }) => (pools[0]?.counts.total ?? 0) > 0)
    // Three pools before this one: one to warm up, and one for each of its turns.
    expect(served.pools[0]?.totals.opened).toBeGreaterThanOrEqual(4)
    await lookUntil(url, (seen) => acquired(seen) > acquired(served))
    demo.child.kill('SIGINT')
    const { code, stdout, stderr } = await demo.ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/statements a second +[\d,]+ +[\d,]+/)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(place.leftovers()).toEqual(nothing)
  })

  test('takes another port where the usual one is taken, and says in JSON no more than without it', async () => {
    const { server } = await taking(5_480)
    const { code, stdout, stderr } = await run(
      ['demo', '--seconds', '1', ...size, '--dashboard', '--json'],
      place.env,
    )
    server.close()
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(stdout))).toEqual(['ok', 'server', 'run', 'sides', 'comparison'])
    expect(stderr).toMatch(/^sluice: The dashboard is at http:\/\/127\.0\.0\.1:(?!5480\/)\d+\/\n$/)
  })

  test('refuses a port that was asked for and is taken, and leaves nothing', async () => {
    const { server, port } = await taking(0)
    const { code, stderr } = await run(['demo', ...size, '--dashboard-port', `${port}`], place.env)
    server.close()
    expect(code).toBe(2)
    expect(stderr).toBe(
      `sluice: --dashboard-port ${port} is taken by another program: give another, or 0 for any that is free.\n`,
    )
    expect(place.leftovers()).toEqual(nothing)
  })
})

test.each([
  [['--serve', '--no-dashboard'], '--serve is about the dashboard'],
  [['--dashboard', '--dashboard-port', '1', '--no-dashboard'], '--dashboard-port is about the dashboard'],
  [['--dashboard-port', '70000'], '--dashboard-port must be a whole number from 0 to 65,535'],
  [['--serve', '--json'], '--serve goes on after the comparison'],
])('%j is refused before anything begins', async (args, sentence) => {
  const { code, stderr } = await run(['demo', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain(sentence)
})
