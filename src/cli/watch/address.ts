/** Where a dashboard is, and the token that it wants: read from a URL with care for the token in it. */
import { badInput } from '../refusal.ts'

/** A dashboard's address. */
export interface Address {
  /** Of its feed. */
  readonly events: string
  /** What may be shown: without the token. */
  readonly place: string
  /** For the `Authorization` header only. */
  readonly token: string | undefined
}

/**
 * Reads `http://host:port/`, with `?token=…` where the dashboard wants one. Of several tokens that of `--token` counts, then that of
 * the URL, then `fallback`, from the environment.
 *
 * @throws Refusal in one sentence that repeats nothing of the URL
 */
export function readAddress(text: string, token: string | undefined, fallback: string | undefined): Address {
  const refuse = (why: string) =>
    badInput(`The URL ${why}; it should look like http://127.0.0.1:5480, as the dashboard prints it.`)
  if (!/^https?:\/\//i.test(text)) throw refuse('must begin with http:// or https://')
  if (!URL.canParse(text)) throw refuse('is not well-formed')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw refuse('must hold no user and no password: a dashboard knows only its token')
  const base = new URL(url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`, url.origin)
  const given = token ?? url.searchParams.get('token') ?? fallback
  return {
    events: new URL('events', base).href,
    place: base.href,
    token: given === undefined || given === '' ? undefined : readToken(given),
  }
}

/** Nothing else can stand in a header. */
function readToken(token: string): string {
  if (/^[\x21-\x7E]+$/.test(token)) return token
  throw badInput('The token must be of visible ASCII characters without spaces.')
}
