// Which kernel backends this machine has, and which one to take. Nothing heavy is loaded until it is asked for.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EXIT, UserError, nearest } from '../errors.ts';
import type { Backend, BackendId } from './kernels.ts';

interface Entry {
  readonly load: () => Promise<Backend>;
  /** What to do where it does not load. */
  readonly hint: string;
}

const tfjs = (id: Exclude<BackendId, 'onnxruntime'>, nativePackage?: string) => async (): Promise<Backend> => {
  if (nativePackage !== undefined) requireNative(nativePackage);
  return (await import('./tfjs.ts')).tfjsBackend(id);
};

/** Throws where a package around the TensorFlow library cannot load: cheaper than to let the package find out. */
function requireNative(packageName: string): void {
  const { node } = process.versions;
  if (Number(node.split('.')[0]) >= 23) throw new Error(`${packageName} ends with Node 22, and this is Node ${node}`);
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  } catch {
    throw new Error(`the package ${packageName} is not installed`);
  }
  if (!existsSync(join(dirname(manifest), 'lib'))) {
    throw new Error(`${packageName} lacks the native library that its install script fetches`);
  }
}

/** In the order in which `auto` tries them. */
const entries: Readonly<Record<BackendId, Entry>> = {
  'tfjs-gpu': {
    load: tfjs('tfjs-gpu', '@tensorflow/tfjs-node-gpu'),
    // Asked for by name, an install script runs whatever allowScripts says; npm rebuild would skip a denied one.
    hint: 'On a machine with CUDA 11.2, fetch it with: npm explore @tensorflow/tfjs-node-gpu -- npm run install',
  },
  onnxruntime: {
    load: async () => (await import('./onnxruntime.ts')).onnxruntimeBackend(),
    hint: 'Install the packages again with: npm ci',
  },
  tfjs: {
    load: tfjs('tfjs', '@tensorflow/tfjs-node'),
    hint: 'Install it with: npm install --no-save @tensorflow/tfjs-node@4.22.0',
  },
  wasm: { load: tfjs('wasm'), hint: 'Install the packages again with: npm ci' },
  cpu: { load: tfjs('cpu'), hint: 'Install the packages again with: npm ci' },
};

/** The backends, in the order in which `auto` tries them. */
export const backendIds = Object.keys(entries) as BackendId[];

/**
 * The backend that was asked for, or with `auto` the first that loads. UserError (usage) for an unknown name,
 * UserError (environment) for one that does not load.
 */
export async function chooseBackend(wanted: 'auto' | BackendId): Promise<Backend> {
  if (wanted === 'auto') {
    for (const id of backendIds) {
      try {
        return await load(id);
      } catch {
        continue;
      }
    }
    throw new UserError('No kernel backend loads.', {
      exitCode: EXIT.environment,
      hint: 'Run npm ci, then eigenlens doctor.',
    });
  }
  if (!backendIds.includes(wanted)) {
    const close = nearest(wanted, ['auto', ...backendIds]);
    throw new UserError(`Unknown backend "${wanted}".${close === undefined ? '' : ` Did you mean "${close}"?`}`, {
      exitCode: EXIT.usage,
      hint: `Backends: auto, ${backendIds.join(', ')}.`,
    });
  }
  try {
    return await load(wanted);
  } catch (cause) {
    throw new UserError(`The backend "${wanted}" does not load: ${reasonOf(cause)}.`, {
      exitCode: EXIT.environment,
      hint: entries[wanted].hint,
      cause,
    });
  }
}

export interface Probe {
  readonly id: BackendId;
  readonly loads: boolean;
  readonly version?: string;
  readonly reason?: string;
  readonly hint?: string;
}

/** Tries every backend, for `eigenlens doctor`. */
export async function probeBackends(): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const id of backendIds) {
    try {
      const { version } = await load(id);
      probes.push({ id, loads: true, version });
    } catch (cause) {
      probes.push({ id, loads: false, reason: reasonOf(cause), hint: entries[id].hint });
    }
  }
  return probes;
}

const loaded = new Map<BackendId, Promise<Backend>>();

function load(id: BackendId): Promise<Backend> {
  let backend = loaded.get(id);
  if (backend === undefined) loaded.set(id, (backend = entries[id].load()));
  return backend;
}

function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split('\n', 1)[0]!.trim().replace(/\.$/, '');
}
