/** The statements of a pool as those who attached hear of them: their texts without literals, never a value. */
import { fingerprint } from '../base/fingerprint.ts'
import { Recent } from '../base/recent.ts'
import type { Summary } from '../base/summary.ts'
import { summaryOf } from '../base/summary.ts'
import { Tokens } from '../base/tokens.ts'
import type { Operation } from '../core/operation.ts'
import type { Operations } from '../core/operations.ts'
import { CLASSES } from './call.ts'
import type { StatementClass } from './config.ts'
import type { Client } from './driver.ts'
import { classOf } from './lanes/learned.ts'
import type { Texts } from './lanes/texts.ts'

/** What a caller said of what it asks for; nothing of it was checked yet. */
export interface Said {
  readonly agent?: string | undefined
  readonly class?: StatementClass | undefined
}

interface Described extends Summary {
  readonly text: string
}

/** How many texts are remembered as they are shown. */
const TEXTS = 1_000

/** Longer texts are cut: what shows them is for people. In characters. */
const LONGEST = 1_000

/** Longer texts are read anew each time: a thousand of them would take more memory than all else. In characters. */
const LONGEST_KEPT = 16_384

const QUERY_OBJECT: Described = { text: '(a query object)', name: 'OTHER', summary: 'OTHER' }
const UNREADABLE: Described = { text: '(a statement that cannot be read)', name: 'OTHER', summary: 'OTHER' }

/** Tells those who attached of statements. */
export class StatementOperations {
  readonly #operations: Operations<Client>
  readonly #texts: Texts
  readonly #known = new Recent<string, Described>(TEXTS)

  constructor(operations: Operations<Client>, texts: Texts) {
    this.#operations = operations
    this.#texts = texts
  }

  /** Whether anybody listens. */
  get isHeard(): boolean {
    return this.#operations.isHeard
  }

  /** Statements are asked for as one call. Returns what to end it with; undefined where nobody listens. */
  begin(statements: readonly unknown[], said: Said): Operation | undefined {
    if (!this.#operations.isHeard) return undefined
    const operation = new Asked(this, statements.map(textOf), said, this.#operations.now())
    this.#operations.asked(operation)
    return operation
  }

  /** The caller is about to be told. */
  end(operation: Operation, error: unknown): void {
    this.#operations.answered(operation, error)
  }

  /** One statement as it is shown. @param text undefined of a query object */
  describe(text: string | undefined): Described {
    if (text === undefined) return QUERY_OBJECT
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const described = isSound(text) ? describeText(text) : UNREADABLE
    if (text.length <= LONGEST_KEPT) this.#known.set(text, described)
    return described
  }

  /** What is expected of a statement from its earlier runs, those with values left out that are known to be slow; undefined where there were none. */
  expected(text: string | undefined): StatementClass | undefined {
    if (text === undefined) return undefined
    const times = this.#texts.familyOf(text)?.times
    return times === undefined || times.runs === 0 ? undefined : classOf(times.high)
  }
}

/** One call. */
class Asked implements Operation {
  readonly agent: string | undefined
  readonly askedAt: number
  readonly class: StatementClass
  readonly #owner: StatementOperations
  /** As they were asked for: a caller may use its object for another statement meanwhile, and its values are not kept. */
  readonly #texts: readonly (string | undefined)[]
  #shown: readonly Described[] | undefined

  constructor(
    owner: StatementOperations,
    texts: readonly (string | undefined)[],
    { agent, class: kind }: Said,
    askedAt: number,
  ) {
    this.#owner = owner
    this.#texts = texts
    this.agent = typeof agent === 'string' ? agent : undefined
    this.askedAt = askedAt
    // Before it runs: what takes longer than its kind did is a surprise, not another class.
    const [first] = texts
    const said = kind === undefined ? undefined : CLASSES.find((each) => each === kind)
    this.class = said ?? (texts.length === 1 ? owner.expected(first) : undefined) ?? 'moderate'
  }

  get #described(): readonly Described[] {
    this.#shown ??= this.#texts.map((text) => this.#owner.describe(text))
    return this.#shown
  }

  get text(): string {
    return this.#described.map(({ text }) => text).join('; ')
  }

  get name(): string {
    return this.#inFew(({ name }) => name)
  }

  get summary(): string {
    return this.#inFew(({ summary }) => summary)
  }

  /** Several statements are a batch, of one kind where they are. */
  #inFew(of: (described: Described) => string): string {
    const words = new Set(this.#described.map(of))
    const [only = ''] = words
    if (this.#texts.length === 1) return only
    return words.size === 1 ? `BATCH ${only}` : 'BATCH'
  }
}

function textOf(statement: unknown): string | undefined {
  const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text
  return typeof text === 'string' ? text : undefined
}

function describeText(text: string): Described {
  const plain = fingerprint(text)
  return {
    ...summaryOf(plain),
    text: plain.length > LONGEST ? `${plain.slice(0, LONGEST)} …` : plain,
  }
}

/** Whether it is certain where its literals begin and end. */
function isSound(text: string): boolean {
  const tokens = new Tokens(text)
  let token = tokens.next()
  while (token !== 'end' && token !== 'bad') token = tokens.next()
  return token === 'end' && !text.includes('\0')
}
