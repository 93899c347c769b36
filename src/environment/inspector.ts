/**
 * Closes the inspector that a SIGUSR1 has opened before `tameSignals`: in the first few milliseconds Node still obeys it.
 * It opens a little later than the signal comes, so this looks again after the first turn of the loop.
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
