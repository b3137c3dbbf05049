/** The two forms of an answer, promise and callback, each as pg-pool's callers know them. */
import { AsyncResource } from 'node:async_hooks'

/**
 * Makes the stack of an error lead to the `await` that got it instead of the socket event that brought it.
 * V8 finds the awaiting functions only from a reaction of the promise that they wait for.
 */
export function traced<R>(promise: Promise<R>): Promise<R> {
  return promise.catch((error: unknown) => {
    if (error instanceof Error && Object.isExtensible(error)) Error.captureStackTrace(error)
    throw error
  })
}

/**
 * A callback that runs in the context of the caller who handed it in, whoever's event calls it, in a turn of its own: it is
 * never called before its call returns, and what it throws is an uncaught exception instead of a broken pool.
 */
export function detached<A extends unknown[]>(callback: (...answer: A) => unknown): (...answer: A) => void {
  const bound = AsyncResource.bind(callback)
  return (...answer) => {
    queueMicrotask(() => bound(...answer))
  }
}
