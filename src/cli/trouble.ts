/** What can go wrong on the way to a database, in words: what happened, and what to do about it. */
import { codeOf, messageOf } from '../base/errors.ts'
import { exitCodes, Refusal } from './refusal.ts'
import type { Target } from './target.ts'
import { placeOf } from './target.ts'

/** The kinds of trouble a person can be told something about. */
export type TroubleKind =
  | 'refused'
  | 'unknown-host'
  | 'name-server'
  | 'unreachable'
  | 'timeout'
  | 'not-postgres'
  | 'closed'
  | 'no-password'
  | 'login'
  | 'missing-role'
  | 'missing-database'
  | 'not-admitted'
  | 'no-permission'
  | 'too-many-clients'
  | 'starting'
  | 'tls-refused'
  | 'tls-certificate'
  | 'missing-file'
  | 'other'

/** One trouble. Neither sentence holds the password. */
export interface Trouble {
  readonly kind: TroubleKind
  /** The driver's code (`ECONNREFUSED`, an SQLSTATE, …) where it gave one. */
  readonly code: string | undefined
  /** What happened. */
  readonly what: string
  /** What to do about it. */
  readonly advice: string
}

interface Words {
  place: string
  user: string
  database: string
  /** The driver's own text, without the password. */
  said: string
}

type Entry = [
  kind: TroubleKind,
  when: (code: string, message: string) => boolean,
  what: (words: Words) => string,
  advice: (words: Words) => string,
]

const codes =
  (...known: string[]) =>
  (code: string): boolean =>
    known.includes(code)
const says =
  (pattern: RegExp) =>
  (_: string, message: string): boolean =>
    pattern.test(message)

const certificateCodes =
  /^(?:CERT_|ERR_TLS_CERT|ERR_SSL|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/

// In this order: the first entry that fits speaks.
const entries: readonly Entry[] = [
  [
    'refused',
    codes('ECONNREFUSED'),
    ({ place }) => `Nothing accepts connections at ${place}.`,
    () => 'Check host and port, that the server runs, and that its listen_addresses include this address.',
  ],
  [
    'unknown-host',
    codes('ENOTFOUND', 'ENODATA'),
    ({ place }) => `The host of ${place} has no address: its name is not known.`,
    () => 'Check how the host is spelt, and whether its name is known only inside another network.',
  ],
  [
    'name-server',
    codes('EAI_AGAIN'),
    ({ place }) => `The host of ${place} could not be looked up: the name server did not answer.`,
    () => 'Check the network and the name server of this machine, and how the host is spelt.',
  ],
  [
    'unreachable',
    codes('EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN'),
    ({ place }) => `There is no way from here to ${place}.`,
    () =>
      'Check network, VPN and firewall; a host that has only an IPv6 address needs an IPv6 network or a pooler with IPv4.',
  ],
  [
    'missing-file',
    codes('ENOENT', 'EACCES'),
    ({ said }) => `A file that the connection needs cannot be opened: ${said}.`,
    () => 'Check sslcert, sslkey and sslrootcert in the URL, or the folder of the Unix socket.',
  ],
  [
    'timeout',
    (code, message) => code === 'ETIMEDOUT' || /timeout expired|timed? ?out/i.test(message),
    ({ place }) => `${place} did not answer in time.`,
    () =>
      'A firewall or security group that drops packets looks like this: check that this machine may connect, and host and port.',
  ],
  [
    'no-password',
    says(/client password must be a (?:non-empty )?string/),
    ({ user }) => `The server asks for the password of ${user}, and none was given.`,
    () => 'Put it into the URL, after the user and a colon, or set PGPASSWORD.',
  ],
  [
    'login',
    (code, message) => code === '28P01' || /(?:password|SASL) authentication failed/i.test(message),
    ({ user }) => `The server did not accept the password of ${user}.`,
    () =>
      'Check user and password (a user that does not exist gets the same answer); write # / ? @ % in a password as %23 %2F %3F %40 %25.',
  ],
  [
    'missing-role',
    (code, message) => code === '28000' && /role ".*" does not exist/.test(message),
    ({ user }) => `The server knows no role for ${user}.`,
    () => 'Check the user in the URL, or make the role with CREATE ROLE … LOGIN.',
  ],
  [
    'not-admitted',
    (code, message) => code === '28000' || /pg_hba\.conf/.test(message),
    ({ said }) => `The server does not admit this connection: ${said}.`,
    () =>
      'Its pg_hba.conf decides by address, user, database and TLS; where it says "no encryption", add sslmode=verify-full to the URL.',
  ],
  [
    'missing-database',
    (code, message) => code === '3D000' || /no such database|database ".*" does not exist/.test(message),
    ({ database }) => `The server has no ${database}.`,
    () => 'Check the database at the end of the URL, or make it with CREATE DATABASE.',
  ],
  [
    'no-permission',
    codes('42501'),
    ({ user, said }) => `The server does not permit ${user} that: ${said}.`,
    () => 'Grant the missing privilege, or connect as a role that has it.',
  ],
  [
    'too-many-clients',
    codes('53300'),
    ({ said }) => `The server has no connection left: ${said}.`,
    () =>
      'End sessions that nobody needs (pg_stat_activity lists them), make the pools smaller, or raise the limit.',
  ],
  [
    'starting',
    codes('57P03'),
    ({ said }) => `The server is there but takes no connections yet: ${said}.`,
    () => 'It is starting, stopping or recovering; try again in a few seconds.',
  ],
  [
    'tls-refused',
    says(/does not support SSL|error establishing an SSL connection/),
    () => 'The server does not offer TLS, and the URL asks for it.',
    () => 'Switch TLS on at the server, or, on a network you trust, use sslmode=disable.',
  ],
  [
    'tls-certificate',
    (code, message) => certificateCodes.test(code) || /certificate|altnames/i.test(message),
    ({ said }) => `The TLS connection failed: ${said}.`,
    () =>
      'Give the authority that signed the certificate with sslrootcert=… and use the host name that it was made for; sslmode=no-verify encrypts without checking.',
  ],
  [
    'closed',
    (code, message) => ['ECONNRESET', 'EPIPE'].includes(code) || /Connection terminated/.test(message),
    ({ place }) => `${place} closed the connection before the login was done.`,
    () =>
      'Check that a Postgres listens on this port, and whether it (or a proxy in front of it) insists on TLS.',
  ],
]

/** Explains an error that came while connecting to `target` or working on it. */
export function explain(error: unknown, target: Target): Trouble {
  const code = codeOf(error) ?? codeOf(firstOf(error))
  const message = messageOf(error)
  const words = wordsFor(target, message)
  const entry = entries.find(([, when]) => when(code ?? '', message))
  if (entry === undefined) {
    return {
      kind: 'other',
      code,
      what: `${words.said}.`,
      advice: 'Sluice knows no more about this than the message says.',
    }
  }
  const [kind, , what, advice] = entry
  return { kind, code, what: capitalised(what(words)), advice: advice(words) }
}

/** What ends a command that met `error` at `target`: the sentences of {@link explain}, and for `--json` its parts. */
export function troubleAt(error: unknown, target: Target): Refusal {
  const { kind, code, what, advice } = explain(error, target)
  const { host, port } = target
  return new Refusal(`${what} ${advice}`, exitCodes.failed, { host, port, kind, code, what, advice })
}

/** What is said of a port that takes a connection and then says nothing, or nothing that Postgres would. */
export function silent(target: Target): Trouble {
  return {
    kind: 'not-postgres',
    code: undefined,
    what: capitalised(`${placeOf(target)} takes connections but did not answer as a Postgres in time.`),
    advice:
      'Check that the port is that of Postgres; a server that is overloaded or stopped can look like this too.',
  }
}

/** Node tries every address of a host and gathers the failures; the first one is as good as any. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : undefined
}

function wordsFor(target: Target, message: string): Words {
  const { user, database } = target
  return {
    place: placeOf(target),
    user: user === undefined ? 'the default user' : `user "${user}"`,
    database: database === undefined ? 'database of the name of the user' : `database "${database}"`,
    said: target.redact(message.split('\n', 1)[0] ?? '').replace(/\.$/, ''),
  }
}

function capitalised(sentence: string): string {
  return /^(?:the|there|nothing|a|its)\b/.test(sentence)
    ? sentence[0]?.toUpperCase() + sentence.slice(1)
    : sentence
}
