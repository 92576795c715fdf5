// Which backend is taken, what is said where one does not load, and that asking costs nothing before.
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { backendIds, chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import type { BackendId } from '../../analysis/kernels/kernels.ts';

/** Runs a module in a Node process of its own; returns what it printed on standard output and standard error. */
function runModule(source: string): string {
  const script = `import('./analysis/kernels/choose.ts').then(async ({ chooseBackend, probeBackends }) => {${source}});`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script, '--'], {
    cwd: new URL('../..', import.meta.url),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('chooseBackend', () => {
  test('auto takes the first that loads, in the order of the list', async () => {
    const first = (await probeBackends()).find(({ loads }) => loads)!;
    expect((await chooseBackend('auto')).id).toBe(first.id);
    expect(backendIds).toEqual(['tfjs-gpu', 'onnxruntime', 'tfjs', 'wasm', 'cpu']);
  });

  test('the same backend is started once', async () => {
    expect(await chooseBackend('cpu')).toBe(await chooseBackend('cpu'));
  });

  test('an unknown name is a usage error that names the nearest', async () => {
    const error = await chooseBackend('onnxruntim' as BackendId).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(EXIT.usage);
    expect((error as UserError).message).toContain('Did you mean "onnxruntime"?');
  });

  test('a forced backend that does not load is an environment error that says what to install', async () => {
    const missing = (await probeBackends()).filter(({ loads }) => !loads);
    for (const { id, reason, hint } of missing) {
      const error = await chooseBackend(id).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ exitCode: EXIT.environment, hint });
      expect((error as UserError).message).toContain(reason);
      expect(hint).toMatch(/npm \w+/);
      expect(`${reason}`).not.toContain(process.cwd());
    }
  });
});

test('importing choose loads neither TensorFlow.js nor ONNX Runtime, and every backend lets the process end', () => {
  const source = `
    const { createRequire } = await import('node:module');
    const { _cache: cache } = createRequire(process.cwd() + '/x.js')('node:module');
    const heavy = () => Object.keys(cache).filter((path) => /tfjs-core|onnxruntime-node/.test(path)).length;
    console.log(heavy());
    for (const id of ['onnxruntime', 'wasm', 'cpu']) {
      const backend = await chooseBackend(id);
      const program = await backend.compile([[2]], (k, [x]) => [k.binary('add', x, x)]);
      const [{ data }] = await program.run([{ shape: [1, 2], data: Float32Array.of(1, 2) }]);
      console.log(id, data.join());
    }
    console.log(heavy() > 0, process.listenerCount('uncaughtException'), process.listenerCount('unhandledRejection'));
  `;
  // Nothing else is printed: the packages' banners are off.
  expect(runModule(source).trim().split('\n')).toEqual(['0', 'onnxruntime 2,4', 'wasm 2,4', 'cpu 2,4', 'true 0 0']);
});
