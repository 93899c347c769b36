#!/usr/bin/env node
import path from 'node:path'
import { load } from './load.ts'

// What `npm run build` makes dist/main.js of, as CommonJS: to load one ES module, Node loads a loader first.
load(path.join(__dirname, 'exporter.js'))
