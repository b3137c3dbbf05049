/** How Postgres connections are opened, checked, cancelled and closed: the engine's port, for clients of pg's shape. */
import { AsyncResource } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import { codeOf, SluiceError } from '../base/errors.ts'
import { within } from '../base/within.ts'
import type { Driver, OpenFault, Reusable } from '../core/driver.ts'
import { clientOptions } from './beside.ts'
import type { Classify } from './classify.ts'
import type { Client, ClientClass, ClientConfig } from './driver.ts'
import * as door from './driver.ts'
import type { TargetSessionAttrs } from './fitness.ts'
import { Fitness } from './fitness.ts'
import type { PoolerWord } from './pooler.ts'
import { poolerSays } from './pooler.ts'
import { letRowsBeRaw } from './results.ts'
import type { Reach } from './side.ts'
import { reach, requestCancel } from './side.ts'

/** What {@link Sessions} needs to know; read anew for every open, so that rotated credentials are seen. */
export interface SessionSource {
  Client(): ClientClass
  options(): ClientConfig
  /** Runs on every new connection before it is lent; the open fails when it does. */
  readonly onConnect: ((client: Client) => unknown) | undefined
  /** A client has failed outside any statement. */
  onError(error: Error, client: Client): void
  /** A client's connection has ended. */
  onEnd(client: Client): void
  /** The server behind a client is going down, or is not the one that the pool needs any more. */
  onGone(client: Client): void
  /** The server ends a connection, perhaps not alone; whoever waits on it is told next. */
  onEnding(): void
  readonly classify?: Classify | undefined
  readonly targetSessionAttrs?: TargetSessionAttrs | undefined
  /** What is known of the way, and learns from every open. Undefined for a way that is known to be direct. */
  readonly way?: Way | undefined
}

/** What a way makes of the clients that go it. */
export interface Way {
  /** Takes out of a client what would be refused. */
  beforeStartup(client: Client): void
  /** Whether an open that has failed may be tried again at once, with another client. @throws what to tell instead */
  startupFailed(error: unknown, client: Client): boolean
  connected(client: Client): void
}

/** Open failures that another try may mend; anything else is for a person. SQLSTATE classes: 08 connection, 53 resources, 57P0x shutdown and start. */
const PASSING =
  /^(08...|53...|57P0.|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|EHOSTDOWN)$/

/** No place for one more session: too_many_connections, configuration_limit_exceeded. */
const CROWDED = /^53[34]00$/

const FAULT_OF: Readonly<Record<PoolerWord, OpenFault>> = {
  saturated: 'crowded',
  down: 'passing',
  leaving: 'passing',
  refused: 'permanent',
  cancelled: 'passing',
}

/** How long a server may take to show that it is there: two round trips, and what a busy machine makes of them. */
const REACH_MILLIS = 2_000

/** The first pause before a cancel request is repeated; each later one is twice as long. */
const CANCEL_AGAIN_MILLIS = 20

/** How long an open whose init hook has thrown waits for its session to be closed. */
const CLOSE_AFTER_HOOK_MILLIS = 5_000

export class Sessions implements Driver<Client> {
  readonly #source: SessionSource
  readonly #clock: Clock
  readonly #clients = new Set<Client>()
  /** Clients that have emitted an error and show in no other way that they are done for. */
  readonly #broken = new WeakSet<Client>()
  /** Cancel requests under way: until they are over, a client is not at rest even when its statement has ended. */
  readonly #cancelling = new WeakMap<Client, Promise<void>>()
  /**
   * Clients whose sockets were cut while the server may have been there: nobody has seen it let go of their sessions. Their
   * signals tell that waiting for it is of no use any more.
   */
  readonly #cut = new Map<Client, AbortController>()
  /** Of those of them that are being closed. */
  readonly #graces = new Set<AbortController>()
  /** How to give up on what is being closed otherwise. */
  readonly #closes = new Map<Client, () => void>()
  readonly #fitness: Fitness
  /** Told how long the server took to greet each new connection, in milliseconds. */
  onGreeting: ((millis: number) => void) | undefined
  /** Whether rows may reach statements as bytes. */
  rawRows = false
  // Sockets live longer than the call that opened them and must not keep its context alive, nor run other callers' events in it.
  readonly #root = new AsyncResource('SluiceSession')

  constructor(source: SessionSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
    const { classify, targetSessionAttrs } = source
    this.#fitness = new Fitness({
      classify,
      targetSessionAttrs,
      onGone: (client) => source.onGone(client),
      onEnding: () => source.onEnding(),
    })
  }

  /** Every client that is connecting or connected, in the order in which they were made. */
  get clients(): Client[] {
    return [...this.#clients]
  }

  open(signal: AbortSignal): Promise<Client> {
    return this.#root.runInAsyncScope(() => this.#open(signal))
  }

  #open(signal: AbortSignal): Promise<Client> {
    const Client = this.#source.Client()
    const client = new Client(clientOptions(this.#source.options())) as Client
    this.#source.way?.beforeStartup(client)
    this.#clients.add(client)
    door.bindCallbacks(client)
    this.#fitness.watch(client)
    if (this.rawRows) letRowsBeRaw(client)
    if (this.onGreeting !== undefined) door.timeGreeting(client, () => this.#clock.now(), this.onGreeting)
    return this.#connect(client, signal).catch((error: unknown) => {
      this.#clients.delete(client)
      door.destroy(client)
      if (!signal.aborted && this.#source.way?.startupFailed(error, client) === true)
        return this.#open(signal)
      throw error
    })
  }

  async #connect(client: Client, signal: AbortSignal): Promise<Client> {
    let ready = false
    let failure: Error | undefined
    // Kept for the client's life: an error nobody listens to would end the process.
    client.on?.('error', (error: Error) => {
      failure = error
      if (!door.hasWire(client)) this.#broken.add(client)
      if (ready) this.#source.onError(error, client)
    })
    client.on?.('end', () => ready && this.#source.onEnd(client))
    await this.#handshake(client, signal)
    this.#source.way?.connected(client)
    await this.#fitness.admit(client)
    await this.#prepare(client, signal)
    if (door.isDead(client) || this.#broken.has(client)) {
      throw failure ?? new Error('Connection terminated unexpectedly')
    }
    ready = true
    return client
  }

  async #handshake(client: Client, signal: AbortSignal): Promise<void> {
    const aborted = () => {
      if (door.hasWire(client)) door.destroy(client)
      else client.end?.(() => undefined)
    }
    signal.addEventListener('abort', aborted, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        client.connect((error: Error | null | undefined) => (error ? reject(error) : resolve()))
      })
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', aborted)
    }
  }

  /**
   * Runs the init hook. From here on the server has a session, which must be closed and not just dropped: a hook that takes
   * too long hands its connection over to be closed, one that throws has it closed first.
   */
  async #prepare(client: Client, signal: AbortSignal): Promise<void> {
    const { onConnect } = this.#source
    if (onConnect === undefined) return
    let stop = (): void => undefined
    const aborted = new Promise<void>((resolve) => {
      stop = resolve
    })
    signal.addEventListener('abort', stop, { once: true })
    const hook = (async () => onConnect(client))()
    try {
      await Promise.race([hook, aborted])
    } catch (error) {
      await within(this.#clock, CLOSE_AFTER_HOOK_MILLIS, (late) => this.close(client, late)).catch(
        () => undefined,
      )
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
      // Whoever gave up on the hook does not hear of its failure any more.
      hook.catch(() => undefined)
    }
  }

  async close(client: Client, signal: AbortSignal): Promise<void> {
    this.#clients.delete(client)
    const graceOver = this.#cut.get(client)
    this.#cut.delete(client)
    if (!door.hasWire(client)) return endPlainly(client)
    if (graceOver !== undefined) return this.#givenUp(signal, graceOver)
    const closed = door.socketClosed(client)
    const giveUp = () => door.destroy(client)
    signal.addEventListener('abort', giveUp, { once: true })
    const letGo = new Promise<never>((_, reject) => {
      this.#closes.set(client, () => {
        giveUp()
        reject(new Error('the server was away when the connection was closed, and may not know'))
      })
    })
    try {
      await Promise.race([this.#close(client, closed, signal), letGo])
    } finally {
      this.#closes.delete(client)
    }
  }

  async #close(client: Client, closed: Promise<void>, signal: AbortSignal): Promise<void> {
    if (door.isDead(client)) {
      door.destroy(client)
      if (door.isBusy(client) && !this.#fitness.isDismissed(client)) await this.#stopOrphan(client, signal)
    } else if (door.isBusy(client)) await this.#closeBusy(client, closed, signal)
    else void client.end()
    await closed
  }

  /** Asks the address of a client whether its server is there. */
  reach(client: Client): Promise<Reach> {
    return reach(client, this.#source.options().stream, this.#clock, REACH_MILLIS)
  }

  /**
   * Cuts the connection of a client that the server cannot be heard on; `error` is what those who wait on it are told. One that
   * is being closed already is left to that.
   */
  cut(client: Client, error: Error): void {
    if (!this.#clients.has(client)) return
    if (!this.#cut.has(client)) this.#cut.set(client, new AbortController())
    door.cut(client, error)
  }

  /** The server does not notice that a client has gone while a statement runs: the session would live on, beside the one that takes its place. */
  async #stopOrphan(client: Client, signal: AbortSignal): Promise<void> {
    // A client that has no key to cancel with leaves nothing to be done.
    if (door.mayCancel(client)) await requestCancel(client, this.#source.options().stream, signal)
  }

  /** The server can be reached again: what was cut before makes room at once, whether or not the server knows. */
  letGo(): void {
    for (const graceOver of this.#cut.values()) graceOver.abort()
    for (const graceOver of this.#graces) graceOver.abort()
  }

  /** As `letGo`, for a client that is being closed since before the server was away: what was said to it then was lost. */
  giveUpClose(client: Client): void {
    this.#closes.get(client)?.()
  }

  /** Its place counts until the server has had time to notice; then it may still live there. */
  async #givenUp(signal: AbortSignal, graceOver: AbortController): Promise<never> {
    this.#graces.add(graceOver)
    signal.addEventListener('abort', () => graceOver.abort(), { once: true })
    if (!graceOver.signal.aborted)
      await new Promise((resolve) => graceOver.signal.addEventListener('abort', resolve, { once: true }))
    this.#graces.delete(graceOver)
    throw new Error('the connection was cut, and the server may not know')
  }

  /** The server must stop working for nobody: its statement is cancelled, then it reads the goodbye. */
  async #closeBusy(client: Client, closed: Promise<void>, signal: AbortSignal): Promise<void> {
    door.halfClose(client, new Error('Connection terminated'))
    // Without the cancel the close still ends, with the statement or at its deadline, so a failed one changes nothing here.
    await this.#stop(client, closed, signal).catch(() => undefined)
  }

  async check(client: Client, signal: AbortSignal): Promise<void> {
    const abort = () => this.cut(client, new Error('no answer to the check before use'))
    signal.addEventListener('abort', abort, { once: true })
    await client.query('SELECT 1')
    signal.removeEventListener('abort', abort)
  }

  reusable(client: Client): Reusable | Promise<Reusable> {
    const cancelling = this.#cancelling.get(client)
    if (cancelling !== undefined)
      return cancelling.then(
        () => this.reusable(client),
        () => 'cancel-failed',
      )
    if (door.isDead(client) || this.#broken.has(client)) return 'lost'
    if (door.isBusy(client)) return door.atRest(client).then(() => this.reusable(client))
    if (door.isInTransaction(client)) return 'dirty'
    if (door.canPipeline(client)) door.setPipeline(client, this.#pipelines)
    return this.#fitness.judge(client)
  }

  /** Whether nothing was said on a client's connection that speaks against using it. */
  isFit(client: Client): boolean {
    return this.#fitness.isFit(client)
  }

  /** Whether whoever borrows a client wants it to pipeline: an option of pg's client. */
  get #pipelines(): boolean {
    return (this.#source.options() as { pipeline?: unknown }).pipeline === true
  }

  /** Resolves when the statement has ended and no cancel request is on its way any more: a late one would hit the next statement. */
  async cancel(client: Client, signal: AbortSignal): Promise<void> {
    if (!door.isBusy(client)) return
    const stopped = this.#stop(client, door.atRest(client), signal)
    this.#cancelling.set(client, stopped)
    try {
      await stopped
    } finally {
      this.#cancelling.delete(client)
    }
  }

  /**
   * Asks once to cancel what a client runs, and lets nobody else have the client before the request is over: for one statement
   * among many, where a second request would hit another one.
   */
  async cancelOnce(client: Client, signal: AbortSignal): Promise<void> {
    const asked = requestCancel(client, this.#source.options().stream, signal)
    const over = asked.catch(() => undefined)
    this.#cancelling.set(client, over)
    await over
    if (this.#cancelling.get(client) === over) this.#cancelling.delete(client)
  }

  /**
   * Cancels what a client runs until that has ended. More than once where it must be: a request that overtakes its statement
   * finds an idle server process, which forgets it.
   */
  async #stop(client: Client, ended: Promise<void>, signal: AbortSignal): Promise<void> {
    let over = false
    const noted = ended.then(() => {
      over = true
    })
    for (let pause = CANCEL_AGAIN_MILLIS; !over && !signal.aborted; pause *= 2) {
      await requestCancel(client, this.#source.options().stream, signal)
      await Promise.race([noted, this.#pause(pause)])
    }
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimeout(resolve, millis).unref()
    })
  }

  openFault(error: unknown): OpenFault {
    const said = poolerSays(error)
    if (said !== undefined) return FAULT_OF[said.means]
    const code = codeOf(error) ?? ''
    if (CROWDED.test(code)) return 'crowded'
    if (SluiceError.is(error, 'SLUICE_UNSUPPORTED_ON_ENDPOINT')) return 'permanent'
    return SluiceError.is(error) || PASSING.test(code) ? 'passing' : 'permanent'
  }
}

/** For clients whose socket cannot be seen: their own word must do. */
function endPlainly(client: Client): Promise<void> {
  return new Promise((resolve) => {
    if (typeof client.end !== 'function') return resolve()
    client.end(() => resolve())
  })
}
