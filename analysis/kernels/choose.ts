// Which kernel backends this machine has, and which one to take. Nothing heavy is loaded until it is asked for.
import { EXIT, UserError, nearest } from '../errors.ts';
import type { Backend, BackendId } from './kernels.ts';

interface Entry {
  readonly load: () => Promise<Backend>;
  /** What to do where it does not load. */
  readonly hint: string;
}

const tfjs = (id: Exclude<BackendId, 'onnxruntime'>) => async (): Promise<Backend> =>
  (await import('./tfjs.ts')).tfjsBackend(id);

/** In the order in which `auto` tries them. */
const entries: Readonly<Record<BackendId, Entry>> = {
  'tfjs-gpu': {
    load: tfjs('tfjs-gpu'),
    hint: 'npm rebuild @tensorflow/tfjs-node-gpu --ignore-scripts=false',
  },
  onnxruntime: {
    load: async () => (await import('./onnxruntime.ts')).onnxruntimeBackend(),
    hint: 'npm install onnxruntime-node',
  },
  tfjs: { load: tfjs('tfjs'), hint: 'npm install --no-save @tensorflow/tfjs-node@4.22.0' },
  wasm: { load: tfjs('wasm'), hint: 'npm ci' },
  cpu: { load: tfjs('cpu'), hint: 'npm ci' },
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
    throw new UserError(
      `Unknown backend "${String(wanted)}".${close === undefined ? '' : ` Did you mean "${close}"?`}`,
      {
        exitCode: EXIT.usage,
        hint: `Backends: auto, ${backendIds.join(', ')}.`,
      },
    );
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
