import manifest from '../../package.json' with { type: 'json' }

/** As in package.json. A build has it written in. */
export const version: string = manifest.version
