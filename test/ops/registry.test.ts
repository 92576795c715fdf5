import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { activations } from '../../analysis/ops/activations.ts';
import { opOf, opRegistry, supportedOps } from '../../analysis/ops/index.ts';
import type { Op } from '../../analysis/ops/op.ts';

const folder = new URL('../../analysis/ops/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'index.ts');

/** Every op that a file exports, by the name of its export. */
async function opsIn(file: string): Promise<[name: string, op: Op][]> {
  const exported: Record<string, unknown> = await import(new URL(file, folder).href);
  return Object.entries(exported).filter((entry): entry is [string, Op] => isOp(entry[1]));
}

function isOp(value: unknown): value is Op {
  return typeof value === 'object' && value !== null && 'linearise' in value && 'forward' in value && 'id' in value;
}

const camelCase = (id: string): string => id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

describe('the registry of ops', () => {
  it('holds every op that a file of the folder exports, and nothing else', async () => {
    const found = (await Promise.all(files.map(opsIn))).flat().map(([, op]) => op);
    expect(found.map(({ id }) => id).toSorted()).toEqual([...supportedOps]);
    for (const op of found) expect(opRegistry.get(op.id)).toBe(op);
  });

  it('names an op after its file, and exports it under that name in camel case', async () => {
    for (const file of files) {
      for (const [name, { id }] of await opsIn(file)) {
        expect(name).toBe(camelCase(id));
        if (file !== 'activations.ts') expect(`${id}.ts`).toBe(file);
      }
    }
  });

  it('holds the whole table of activations', async () => {
    const exported = (await opsIn('activations.ts')).map(([, op]) => op);
    expect(new Set(activations)).toEqual(new Set(exported));
  });

  it('has a test for every op, named after its file', () => {
    const tests = new Set(readdirSync(new URL('.', import.meta.url)));
    const tested = supportedOps.filter((id) => !activations.some((op) => op.id === id));
    expect(tested.filter((id) => !tests.has(`${id}.test.ts`))).toEqual([]);
    expect(tests.has('activations.test.ts')).toBe(true);
  });

  it('takes an unknown id for a bug', () => {
    expect(() => opOf('einsum')).toThrow(/No op "einsum"/);
    expect(opOf('relu').id).toBe('relu');
  });
});
