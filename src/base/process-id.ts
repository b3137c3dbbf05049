/** No process of Linux (PID_MAX_LIMIT) or macOS has a higher number. */
const MOST = 4_194_304

/** Whether a process can have that number. PgBouncer greets its clients with one that it makes up out of 32 bits. */
export function isProcessId(number: number): boolean {
  return number > 0 && number <= MOST
}
