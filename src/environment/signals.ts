/**
 * Signals that do harm by what Node or the kernel does of itself. Call it before anything else.
 *
 * SIGUSR1 would open the inspector, which shows all secrets to who connects: with a listener of ours Node gives that up
 * (https://nodejs.org/api/process.html#signal-events). SIGUSR2 would end the process, and SIGQUIT leave a core dump with
 * all secrets: it is taken as SIGTERM.
 */
export function tameSignals(): void {
  if (process.listenerCount('SIGQUIT') > 0) return
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  process.on('SIGQUIT', () => process.kill(process.pid, 'SIGTERM'))
}
