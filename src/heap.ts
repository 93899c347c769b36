import { setFlagsFromString } from 'node:v8'

// The space for young objects doubles as soon as a start has filled it, and is not given back: 8 MB that nothing here
// needs. The flag that limits it (--max-semi-space-size) cannot be given to a `#!/usr/bin/env node`, and is not heeded
// later; this one is. It must come before all that is loaded.
setFlagsFromString('--semi-space-growth-factor=1')
