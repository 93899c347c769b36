#!/usr/bin/env node
import { createRequire } from 'node:module'
import { tameSignals } from './environment/signals.ts'

// dist/main.js. It is small, so that it runs some 30 ms before the rest is parsed.
tameSignals()
// Without a listener these would end the process. No listener runs during `require`: those of the program get the signal.
for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT']) process.on(signal, () => undefined)
createRequire(import.meta.filename)('./exporter.js')
