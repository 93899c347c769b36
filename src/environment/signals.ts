/**
 * Tames the signals whose default does harm. Call it before anything else.
 * SIGUSR1 would open the inspector, which shows all secrets to anyone who connects. With a listener of ours Node does
 * not open it (https://nodejs.org/api/process.html#signal-events). SIGUSR2 would end the process. SIGQUIT would leave a
 * core dump with all secrets, so it is taken as SIGTERM.
 */
export function tameSignals(): void {
  if (process.listenerCount('SIGQUIT') > 0) return
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  process.on('SIGQUIT', () => process.kill(process.pid, 'SIGTERM'))
}
