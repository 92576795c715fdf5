// The version of the tool, read from package.json once.
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
