/** Runs tasks with a bound on how many run at once; the results come in the order of the tasks. The first failure ends it: nothing more is started. */
export async function parallel<I, R>(
  items: readonly I[],
  concurrency: number,
  run: (item: I) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await run(items[index] as I)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}
