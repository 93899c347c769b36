import manifest from '../../package.json' with { type: 'json' }

/** The version in package.json. A build has it built in. */
export const version: string = manifest.version
