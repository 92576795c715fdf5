// Cosines at positions, by hand, and what a study answers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { cosines, similarityOverlays } from '../../analysis/methods/similarity-overlays.ts';
import type { SimilarityOverlay } from '../../reports/format.ts';
import type { TestStudy } from '../support/study.ts';
import { chainNetwork } from './small-networks.ts';

describe('a similarity overlay', () => {
  it('is the cosine of the channels at every position with the reference, 0 where there is no activation', () => {
    // Two channels at four positions: along (3, 4), against it, across it, and nothing.
    const values = Float32Array.of(3, -6, -4, 0, 4, -8, 3, 0);
    const found = cosines(values, Float64Array.of(3, 4));
    expect([...found]).toEqual([1, -1, 0, 0]);
    expect([...cosines(values, Float64Array.of(0, 0))]).toEqual([0, 0, 0, 0]);
  });

  let backend: Backend;
  let opened: TestStudy;
  beforeAll(async () => {
    backend = await chooseBackend('auto');
    opened = await chainNetwork(backend, { detail: 6 });
  });
  afterAll(async () => {
    await opened?.close();
    await backend?.dispose();
  });

  it('compares a sample with one of its class and one of another, at layers with a map', async () => {
    const { study } = opened;
    const [sample] = study.detailed;
    expect(similarityOverlays.units(study)).toHaveLength(6);
    const [answer] = await similarityOverlays.answer(study, { key: String(sample), sample: sample! });
    const overlays = answer!.fields['similarityOverlays'] as SimilarityOverlay[];
    expect(overlays.map(({ layer }) => layer)).toEqual([...new Array(4).fill('conv1'), ...new Array(4).fill('conv2')]);
    const classes = overlays.map(({ other }) => study.labels![other.index]);
    expect(classes[0]).toBe(study.labels![sample!]);
    expect(overlays.map(({ at }) => at === null)).toEqual([true, false, true, false, true, false, true, false]);
    expect(classes[2]).not.toBe(study.labels![sample!]);
    for (const { other, image } of overlays) {
      expect(other.index).not.toBe(sample);
      expect(image.array).toMatch(/\.npy$/);
    }
  });
});
