#!/usr/bin/env node
import path from 'node:path'
import { tameSignals } from './environment/signals.ts'
import { load } from './load.ts'

tameSignals()
// What `npm run build` makes dist/main.js of, as CommonJS: to load one ES module, Node loads a loader first.
// While it is loaded no handler runs: those of the program get what comes meanwhile.
for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT']) process.on(signal, () => undefined)
load(path.join(__dirname, 'exporter.js'))
