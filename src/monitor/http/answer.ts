/** What the handlers answer with. */

/** What turns a Request into a Response: a route of Hono, Next, Deno, Bun, and of node:http by `nodeHandler()`. */
export type Handler = (request: Request) => Promise<Response>

const ALLOWED: readonly string[] = ['GET', 'HEAD']

/** The answer to a method that nothing answers here; undefined for GET and HEAD. */
export function refusal(method: string): Response | undefined {
  if (ALLOWED.includes(method)) return undefined
  return new Response(null, { status: 405, headers: { allow: ALLOWED.join(', ') } })
}

/** Answers GET with what `make` makes, HEAD with its headers alone, and no other method. What is told is of this moment, for nobody to keep. */
export function reading(make: () => Promise<Response>): Handler {
  return async (request) => {
    const refused = refusal(request.method)
    if (refused !== undefined) return refused
    const made = await make()
    made.headers.set('cache-control', 'no-store')
    return request.method === 'HEAD' ? new Response(null, made) : made
  }
}
