import { expect, test } from 'vitest';
import {
  aboutOf,
  bytesFromText,
  parseSettings,
  projectSchema,
  resultSettings,
  settingsSchema,
} from '../analysis/settings.ts';

test('every knob has a default, a description, and a unit or a range where it is a number', () => {
  const defaults = parseSettings();
  for (const [name, schema] of Object.entries({ ...settingsSchema.shape, ...projectSchema.shape })) {
    const about = aboutOf(schema);
    expect(about.description, name).toMatch(/^[A-ZαβÄÖÜ].{10,}/);
    expect(about.placeholder, name).not.toBe('');
    const value: unknown = defaults[name as keyof typeof defaults];
    if (typeof value === 'number') expect(about.unit ?? about.range, name).toBeTruthy();
  }
  expect(defaults).toMatchObject({
    count: 10,
    detail: 12,
    quantile: 0.85,
    majority: 0.75,
    gamma: 0.9,
    seed: 0,
    k: 'elbow',
    memory: 2 ** 32,
  });
});

test('text, as flags and variables give it, means the same as values', () => {
  expect(parseSettings({ count: '7', tolerance: '1e-5', methods: 'a, b', limit: '100' })).toEqual(
    parseSettings({ count: 7, tolerance: 1e-5, methods: ['a', 'b'], limit: 100 }),
  );
  expect(parseSettings({ detail: 'all' }).detail).toBe('all');
  expect(parseSettings({ detail: '5' }).detail).toBe(5);
  expect(parseSettings({ detail: 'cat.png,dog.png' }).detail).toEqual(['cat.png', 'dog.png']);
  expect(parseSettings({ k: '20' }).k).toBe(20);
  expect(parseSettings({ k: '20,10,10' }).k).toEqual([20, 10, 10]);
  expect(parseSettings({ k: 'conv1=20,a=b=3' }).k).toEqual({ conv1: 20, 'a=b': 3 });
});

test('amounts of memory are read with decimal and binary units', () => {
  expect(['4GiB', '512 MiB', '1.5gb', '2G', '1000000', '64KiB'].map(bytesFromText)).toEqual([
    2 ** 32,
    2 ** 29,
    1.5e9,
    2e9,
    1e6,
    65536,
  ]);
  expect(bytesFromText('lots')).toBe('lots');
  expect(bytesFromText('4XiB')).toBe('4XiB');
});

test.each([
  [{ count: 'many' }, '"count" is "many"; expected a whole number, 1 to 1000.'],
  [{ count: 0 }, 'expected a whole number, 1 to 1000'],
  [{ count: 2.5 }, 'expected a whole number'],
  [{ count: '' }, 'expected a whole number'],
  [{ quantile: 1.5 }, 'expected a number, 0 to 0.9999'],
  [{ tolerance: NaN }, 'expected a number'],
  [{ backend: 'gpu' }, 'expected one of auto, tfjs-gpu'],
  [{ memory: 'lots' }, 'expected an amount such as 4GiB'],
  [{ memory: '1MB' }, 'at least 16MiB'],
  [{ detail: -1 }, '"detail" is -1'],
  [{ k: 'knee' }, '"k" is "knee"'],
  [{ k: 'conv1=x' }, '"k" is "conv1=x"'],
  [{ methods: 3 }, '"methods" is 3'],
  [{ preprocess: { std: 0 } }, '"preprocess" (std) is 0; expected a number above 0'],
  [{ preprocess: { mean: 'x' } }, '"preprocess" (mean) is "x"; expected a number or a list'],
])('%o is refused with what is expected', (given, message) => {
  expect(() => parseSettings(given as Record<string, unknown>)).toThrow(
    expect.objectContaining({ message: expect.stringContaining(message), exitCode: 2 }),
  );
});

test('an unknown key names the nearest one, or all', () => {
  const told = (given: Record<string, unknown>, error: object) =>
    expect(() => parseSettings(given)).toThrow(expect.objectContaining(error));
  told({ quantil: 1 }, { message: 'Unknown key: setting "quantil".', hint: 'Did you mean "quantile"?', exitCode: 2 });
  told(
    { preprocess: { chanelOrder: 'bgr' } },
    { message: 'Unknown key: setting "preprocess.chanelOrder".', hint: 'Did you mean "channelOrder"?' },
  );
  told({ zzzzzz: 1 }, { hint: expect.stringContaining('Known keys: adversarialStep') });
});

test('what a report keeps of settings has no paths and nothing that only changes speed', () => {
  const kept = resultSettings(
    parseSettings({ samples: '/home/someone/x.npy', labels: '/tmp/y', memory: '1GiB', count: 3 }),
  );
  expect(JSON.stringify(kept)).not.toMatch(/someone|tmp/);
  expect(kept).not.toHaveProperty('memory');
  expect(kept).toMatchObject({ count: 3, seed: 0 });
});
