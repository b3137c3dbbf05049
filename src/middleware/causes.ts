/** Libraries wrap what their driver throws, some of them more than once. */
const DEEPEST_CAUSE = 5

/** An error, and what it says was its cause, from the outside in. */
export function* causesOf(error: unknown): Iterable<unknown> {
  let each = error
  for (let depth = 0; depth <= DEEPEST_CAUSE && each !== undefined; depth++) {
    yield each
    each = each instanceof Error ? each.cause : undefined
  }
}
