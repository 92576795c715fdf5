import { expect, test } from 'vitest';
import { failedParts, fullestLayer } from '../../src/lib/facts.ts';
import type { ModelFacts } from '../../src/lib/data.ts';
import { parseReport } from '../../reports/format.ts';
import { sampleReport } from '../support/sample-report.ts';

const { layers, model } = parseReport(sampleReport({ samples: 1, detailed: 0 }).report);

/** Layers that take these shares of the patterns that they could tell apart. */
const sharing = (entries: readonly { share: number; activation: string | null }[]): Pick<ModelFacts, 'layers'> => ({
  layers: entries.map(({ share, activation }, i) => ({
    ...layers[i]!,
    wholeName: layers[i]!.name,
    activation,
    representationalPower: [{ part: 'ALL', gamma: 0.9, count: 1, share, countSd: 0, samples: 1, neurons: 4 }],
  })),
});

test('the fullest layer is none of logits', () => {
  const inner = { share: 0.2, activation: 'relu' };
  expect(fullestLayer(sharing([inner, { share: 0.9, activation: null }]))).toEqual({
    layer: layers[0]!.name,
    share: 0.2,
  });
  expect(fullestLayer(sharing([inner, { share: 0.9, activation: 'relu' }]))?.layer).toBe(layers[1]!.name);
  expect(fullestLayer(sharing([{ share: 0.9, activation: null }, inner]))?.layer).toBe(layers[0]!.name);
});

test('what failed is a unit of a method, or the method as a whole', () => {
  expect(failedParts(model)).toEqual([
    `weight-directions (${layers[1]!.name}): did not converge`,
    'sanity: out of memory',
  ]);
  expect(failedParts({ methods: model.methods.filter(({ outcome }) => outcome === 'NOT_APPLICABLE') })).toEqual([]);
});
