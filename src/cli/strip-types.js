// Node runs TypeScript by stripping its types, but not below node_modules. Where this package is installed there, its own
// files are stripped by this hook; it is loaded with --import, so that worker threads and child processes have it too.
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';

const own = new URL('../../', import.meta.url).href;

registerHooks({
  load(url, context, next) {
    const file = url.split(/[?#]/, 1)[0];
    if (!file.startsWith(own) || !file.endsWith('.ts') || file.slice(own.length).includes('node_modules/')) {
      return next(url, context);
    }
    return {
      format: 'module',
      shortCircuit: true,
      source: stripTypeScriptTypes(readFileSync(new URL(file), 'utf8'), { sourceUrl: url }),
    };
  },
});
