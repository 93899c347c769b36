/**
 * Closes the inspector that a SIGUSR1 opened before `tameSignals`: in its first milliseconds Node still obeys that
 * signal. The inspector opens a little after the signal, so this looks again after the first turn of the loop.
 */
export function keepInspectorClosed(): void {
  closeInspector()
  setImmediate(closeInspector)
}

function closeInspector(): void {
  // A Node without an inspector has no such module.
  if (!process.features.inspector) return
  const { url, close } = process.getBuiltinModule('node:inspector')
  if (url() !== undefined) close()
}
