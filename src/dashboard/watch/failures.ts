/** Why a connection cannot be opened, in words of our own: what servers and drivers say may repeat values. */

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at that address',
  ECONNRESET: 'the other side has hung up',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the network',
  ETIMEDOUT: 'no answer from the host',
  SLUICE_OPEN_TIMEOUT: 'not open in time',
  '28P01': 'wrong password',
  '28000': 'this user may not connect',
  '3D000': 'no such database',
  '53300': 'too many connections at the server',
  '57P01': 'the server is shutting down',
  '57P03': 'the server is not ready yet',
}

/** @param code as `errorType()` has it */
export function failureOf(code: string): string {
  if (code === 'other') return 'an error of another kind'
  return Object.hasOwn(WORDS, code) ? `${code}: ${WORDS[code]}` : code
}
