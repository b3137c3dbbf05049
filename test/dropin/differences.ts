// Every deliberate difference between pg.Pool and Sluice's Pool. Tests refer to an entry by its key, a test checks that
// each entry is shown by a test, and the table in the docs is written from this one.

export interface Difference {
  readonly what: string
  readonly pgPool: string
  readonly sluice: string
  readonly why: string
}

export const differences = {
  'idle-peers-are-asked': {
    what: 'TCP keepalive, where `keepAlive` is not given',
    pgPool: 'is off',
    sluice: 'is on, from 10 s without traffic; not for a `stream` of your own',
    why: 'a dead peer is found while the connection is idle, and no firewall forgets it',
  },
  'connection-kept-after-sql-error': {
    what: 'pool.query() ends in an ordinary SQL error',
    pgPool: 'closes the connection',
    sluice: "keeps it; `discardOnError: true` is pg-pool's way",
    why: 'a unique violation is no reason to connect again',
  },
  'callbacks-come-later': {
    what: 'a callback whose answer is known at once (connect, query or end on an ended pool, end on an empty one)',
    pgPool: 'is called before the method returns',
    sluice: 'is called after the method has returned',
    why: 'a callback that is sometimes synchronous runs before the variables it closes over are set',
  },
  'done-is-always-a-function': {
    what: 'the third argument of a connect() callback that failed by a queue timeout or on an ended pool',
    pgPool: 'is undefined',
    sluice: 'is a function that does nothing',
    why: 'code that calls done(err) in every branch must not throw a second error over the first',
  },
  'callbacks-keep-their-context': {
    what: 'AsyncLocalStorage inside a callback',
    pgPool: "is that of whoever released the connection, or of the connection's first user",
    sluice: 'is that of the caller who passed the callback',
    why: 'request ids and traces would be charged to another request',
  },
  'timeout-texts-carry-numbers': {
    what: 'the text of the two timeout errors',
    pgPool: 'ends after the sentence',
    sluice: 'begins with the same sentence and goes on with the numbers of the pool',
    why: 'the sentence alone tells neither a full pool from a silent server nor how long was waited',
  },
  'ssl-of-the-caller-untouched': {
    what: "the `ssl` object in the caller's options",
    pgPool: 'has its `key` made non-enumerable',
    sluice: 'is left as it was',
    why: 'the same object spread into a second pool would lose its key',
  },
  'end-waits-for-the-close': {
    what: 'end() with idle connections',
    pgPool: 'resolves before they are closed; their `remove` events come later',
    sluice: 'resolves after they are closed and `remove` was emitted for each',
    why: 'whoever drops the database next needs the sessions to be gone',
  },
  'end-rejects-waiters': {
    what: 'callers waiting for a connection when end() is called',
    pgPool: 'wait for ever',
    sluice: 'are rejected with the text of a connect() after end()',
    why: 'every wait ends',
  },
  'end-finishes-despite-a-leak': {
    what: 'end() while a client is never given back',
    pgPool: 'never resolves',
    sluice: 'closes the connection after `endTimeoutMillis` and resolves',
    why: 'a forgotten release must not hold up a shutdown',
  },
  'expiry-is-not-a-lease': {
    what: 'an idle connection reaches maxLifetimeSeconds',
    pgPool: 'emits `acquire`, `release` and `remove`',
    sluice: 'emits `remove`',
    why: 'nobody acquired it: metrics that count `acquire` would count a lease that never was',
  },
  'connect-listener-may-query': {
    what: "a listener of `connect` runs a query on the new client, and so does the pool's next caller",
    pgPool: 'the second query makes pg print a deprecation warning about queueing',
    sluice: 'prints nothing',
    why: 'the caller of the pool did nothing that is deprecated',
  },
  'open-transactions-are-not-lent': {
    what: 'a client released inside a transaction',
    pgPool: 'is lent to the next caller, transaction and all',
    sluice: 'is closed',
    why: "the next caller's writes would vanish in somebody else's rollback",
  },
  'a-last-statement-may-finish': {
    what: 'a client is released, without an error, before its last statement was answered, and its connection is to be closed (maxUses, maxLifetimeSeconds, end)',
    pgPool: 'cuts the connection: the statement, a COMMIT perhaps, is rejected and its outcome unknown',
    sluice: 'waits for the answer, then closes',
    why: 'the same code loses nothing on every other lease',
  },
  'busy-connections-are-not-lent': {
    what: 'a client released after `query_timeout` gave up on a statement that still runs',
    pgPool: 'is lent, and the next statement waits behind the old one',
    sluice: 'is not lent before its statement has ended',
    why: "a lookup would wait for somebody else's slow query",
  },
  'errors-on-leased-clients-do-not-crash': {
    what: 'a checked-out client loses its connection and has no error listener',
    pgPool: 'the process ends with an uncaught exception',
    sluice: 'the next query on the client is rejected, and the client is closed on release',
    why: 'a restart of the database must not take the application down',
  },
  'fakes-may-lack-methods': {
    what: 'a mock Client without once, end, removeListener, ref or unref',
    pgPool: 'throws a TypeError where it needs the method',
    sluice: 'does without',
    why: 'tests of applications are full of such fakes',
  },
  'old-option-names-are-refused': {
    what: '`poolSize`, the old name of `max`, and misspelt options',
    pgPool: 'are taken, or ignored',
    sluice: 'are refused, with the name that was meant',
    why: 'a setting that does nothing is found in an outage',
  },
  'short-statements-share-connections': {
    what: 'short plain SELECTs of many callers at once, of pool.query()',
    pgPool: 'take a connection each',
    sluice: 'share few; `pipelining: false` is pg-pool’s way',
    why: 'the same connections answer several times as many of them',
  },
  'repeated-statements-are-prepared': {
    what: 'a statement with values, or a SELECT, that pool.query() is given again',
    pgPool: 'is parsed and planned every time',
    sluice: 'is prepared once a connection, under a name made of its text; `prepare: false` is pg-pool’s way',
    why: 'parsing costs the server more than a lookup does',
  },
  'forgotten-statements-are-prepared-again': {
    what: 'a named statement of pool.query() on a connection that does not have it any more (DISCARD ALL)',
    pgPool: 'fails',
    sluice: 'is prepared anew',
    why: 'nothing has run yet, and the caller can do nothing else either',
  },
  'slow-work-leaves-a-slot': {
    what: 'slow statements of pool.query(), more than there are connections',
    pgPool: 'take all of them',
    sluice: 'take nine tenths, and leave one where there are two or more; `slowShare: 1` is pg-pool’s way',
    why: 'a lookup need not wait for a report',
  },
} as const satisfies Record<string, Difference>

export type DifferenceKey = keyof typeof differences
