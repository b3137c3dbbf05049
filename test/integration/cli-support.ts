/** Runs the built command as a child process, and looks at what it leaves behind. */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A run that has ended. */
export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** A command that runs. */
export interface Running {
  child: ChildProcess
  /** Resolves once standard output has said `text`. */
  said(text: string): Promise<void>
  ended: Promise<Ended>
}

/** Starts the command; of the environment only what is given here decides anything. */
export function start(args: string[], env: Record<string, string> = {}): Running {
  if (!existsSync(main)) throw new Error('The command is not built: npm run build.')
  const { DATABASE_URL: _url, NO_COLOR: _colour, CI: _ci, ...inherited } = process.env
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => {
      output[name] += part
    })
  }
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output }))),
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.stdout.includes(text)) resolve()
        }
        child.stdout.on('data', look)
        child.once('close', () => reject(new Error(`never said ${text}: ${JSON.stringify(output)}`)))
        look()
      }),
  }
}

/** Runs the command to its end. */
export function run(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return start(args, env).ended
}

/** A folder for temporary files that only one command uses. */
export interface Playground {
  env: { TMPDIR: string }
  /** What is still in the folder, and which processes still name it. */
  leftovers(): { files: string[]; processes: string[] }
  remove(): void
}

/** Makes one that an embedded server's account may write to. */
export function playground(): Playground {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-test-'))
  chmodSync(folder, 0o777)
  return {
    env: { TMPDIR: folder },
    leftovers: () => ({
      files: readdirSync(folder),
      processes: execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(folder)),
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A server that answers whatever it is sent with the same bytes, and says nothing for `undefined`. */
export async function answering(
  bytes: Uint8Array | undefined | 'hang up',
): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      if (bytes === 'hang up') socket.destroy()
      else if (bytes) socket.end(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { server, port: typeof address === 'object' && address ? address.port : 0 }
}

/** A server's refusal as it goes over the wire. */
export function errorResponse(code: string, message: string): Uint8Array {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.from('E\0\0\0\0')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
