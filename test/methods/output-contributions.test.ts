// SpecXAI: contributions against matrices written out, the cancelling of eq. 21, and the reference network.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expressionOf } from '../../analysis/methods/expression.ts';
import { cancel } from '../../analysis/methods/cancelling.ts';
import { outputContributions } from '../../analysis/methods/output-contributions.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import type { OutputContributions } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { studyOfFile } from '../support/study.ts';
import { at, biases, fromActivity, mlpStudy, SAMPLES, toActivityTransposed } from './literal-mlp.ts';

const oracles = path.resolve(import.meta.dirname, '../../../shared/oracles');
const oracleThere = existsSync(path.join(oracles, 'cnn.json'));

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

describe('cancelling', () => {
  it('adds the j-th positive to the j-th negative until one sign is left; a sum keeps its larger term’s index', () => {
    // 5 − 4 = 1 (index 0), 2 − 1 = 1 (index 2); 3 stays: one sign is left at once.
    expect(cancel([5, -4, 2, -1, 1.5])).toEqual([1, null, 1, null, 1.5]);
    // 3 − 5 = −2 (index 1), then 2 − 2 = 0 vanishes.
    expect(cancel([3, -5, 2])).toEqual([null, null, null]);
    expect(cancel([3, -5, 2.5])).toEqual([null, null, 0.5]);
    expect(cancel([0, 1, 2])).toEqual([null, 1, 2]);
    expect(cancel([])).toEqual([]);
  });

  it('keeps the sum', () => {
    const terms = Array.from({ length: 50 }, (_, i) => Math.sin(3 * i) * (i + 1));
    const total = (values: readonly (number | null)[]): number => values.reduce<number>((sum, v) => sum + (v ?? 0), 0);
    expect(total(cancel(terms))).toBeCloseTo(total(terms), 9);
  });
});

describe('the equation', () => {
  const components = [3.14159, -0.4, 1.2, 0, 0.001, 0.0005, 0.25].map((contribution, index) => ({
    index,
    contribution,
  }));

  it('writes the largest terms, the rest and the bias', () => {
    const { expression } = expressionOf('cat', components, 0.1, -1.9);
    expect(expression).toBe('cat = 3.14·φ0 + 1.2·φ2 − 0.4·φ1 + 0.25·φ6 + 0.001·φ4 + rest 0.101 − bias 1.9');
  });

  it('keeps hostile names from becoming LaTeX', () => {
    const { latex } = expressionOf('\\input{x}_$&', components, 0, 0);
    expect(latex).toContain('\\text{\\textbackslash{}input\\{x\\}\\_\\$\\&}');
  });
});

describe.each(backends.map((backend) => [backend.id, backend] as const))('on %s', (_, backend) => {
  it('contributions are ψ λ (φ·x) of the written-out matrices, and add up to the score', async () => {
    const { study, close } = await mlpStudy(backend, { outputs: 3, split: ['fc2'] });
    const [unit] = outputContributions.units(study) as { key: string; layer: string }[];
    const answers = await outputContributions.answer(study, unit!);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const { x, masks, scores } = at(sample);
      // R: input -> fc2 after its ReLU, 8 × 16.
      const map = Array.from({ length: 8 }, (_, o) =>
        toActivityTransposed(
          1,
          Array.from({ length: 8 }, (_, i) => (i === o ? masks[1]![o]! : 0)),
          masks,
        ),
      );
      const { values, left, right } = smallSvd(map.flat(), 8, 16);
      const found = answers[sample]!.fields['outputContributions'] as OutputContributions[];
      expect(found).toHaveLength(3);
      for (const given of found) {
        const c = Number(given.output);
        const after = fromActivity(1, c, [masks[0]!, masks[1]!.map(() => 1)]);
        // L's row at the split (after the ReLU): without the mask of fc2 itself.
        for (const [k, component] of given.components.entries()) {
          expect(Math.abs(component.singularValue - values[k]!)).toBeLessThan(1e-4 * values[0]!);
          let [psi, along] = [0, 0];
          for (let o = 0; o < 8; o++) psi += after[o]! * left[k * 8 + o]!;
          for (let i = 0; i < 16; i++) along += right[k * 16 + i]! * x[i]!;
          expect(component.coefficient).toBeCloseTo(values[k]! * along, 3);
          expect(component.contribution).toBeCloseTo(psi * values[k]! * along, 3);
        }
        const layers = [0, 1, 2].map((l) =>
          fromActivity(l, c, masks).reduce((sum, q, i) => sum + q * biases[l]![i]!, 0),
        );
        for (const [l, value] of layers.entries()) expect(given.biasByLayer![l]!.value).toBeCloseTo(value, 4);
        expect(given.bias).toBeCloseTo(layers[0]! + layers[1]! + layers[2]!, 4);
        expect(given.curvature).toBeCloseTo(0, 4);
        const sum = given.components.reduce((total, { contribution }) => total + contribution, 0);
        expect(sum + given.remainder + given.bias).toBeCloseTo(scores[c]!, 4);
        expect(given.certificate.completeness).toBeLessThan(1e-4);
      }
    }
    await close();
  });

  it.skipIf(!oracleThere)(
    'the reference network split after its second pooling (skipped without ../shared)',
    async () => {
      const { spectral_contributions: oracle } = JSON.parse(readFileSync(path.join(oracles, 'cnn.json'), 'utf8')) as {
        spectral_contributions: {
          singular_values: number[];
          coefficients: number[];
          contributions: number[];
          bias: number;
          output: number;
          reduced: Record<string, number>;
          reduced_share: Record<string, number>;
          class: number;
        };
      };
      const { study, close } = await studyOfFile(path.join(oracles, 'cnn.onnx'), backend, {
        samples: path.join(oracles, 'cnn.inputs.npy'),
        labels: path.join(oracles, 'cnn.labels.npy'),
        detail: ['0'],
        split: ['conv2'],
      });
      const [answer] = await outputContributions.answer(study, { key: 'conv2', layer: 'conv2' });
      const given = (answer!.fields['outputContributions'] as OutputContributions[]).find(
        ({ output }) => Number(output) === oracle.class,
      )!;
      const scale = oracle.singular_values[0]!;
      for (const [k, { singularValue, coefficient, contribution }] of given.components.entries()) {
        expect(Math.abs(singularValue - oracle.singular_values[k]!)).toBeLessThan(1e-4 * scale);
        expect(Math.abs(coefficient) - Math.abs(oracle.coefficients[k]!)).toBeCloseTo(0, 4);
        expect(contribution).toBeCloseTo(oracle.contributions[k]!, 5);
      }
      expect(given.bias).toBeCloseTo(oracle.bias, 6);
      expect(given.value).toBeCloseTo(oracle.output, 6);
      for (const [index, value] of Object.entries(oracle.reduced)) {
        if (Math.abs(value) < 1e-5) continue;
        expect(given.components[Number(index)]!.reduced).toBeCloseTo(value, 5);
        expect(given.components[Number(index)]!.share).toBeCloseTo(oracle.reduced_share[index]!, 3);
      }
      await close();
    },
  );
});
