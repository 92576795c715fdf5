// How much of a score comes from the input, and how much from each layer's own constants? (LI; methods.md, section 4)
// The frozen map's residual split by layer, r_c = Σ_l (Q_l)_c b̂_l: one transposed product per block of samples.
import type { BiasGroup, BiasShares, BiasSummary, LayerMoment } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { LocatedMap } from '../network/affine-map.ts';
import { inner, rowOf, unitRows } from '../operators/rows.ts';
import type { Mode } from '../ops/op.ts';
import type { Study } from '../study.ts';
import type { Answer, Method, Unit } from './method.ts';

/** Samples whose maps are taken side by side; also what is kept together when a run stops. */
const SAMPLES_A_UNIT = 64;
/** Parts of 0 … 1 that samples are counted in by their residual's share. */
const PARTS = 20;

export const biasSharesMethod: Method = {
  id: 'bias-shares',
  question: 'How much of a decision is the input’s, and how much the network’s own bias?',
  version: 1,
  settings: ['outputs', 'mode'],
  units(study) {
    if (study.outputView.kind !== 'vector') return 'the output is a picture: see the residual of the input-output map';
    const units: Unit[] = [];
    for (let start = 0; start < study.samples.count; start += SAMPLES_A_UNIT)
      units.push({ key: String(start), sample: start });
    return units;
  },
  async answer(study, { sample }) {
    const start = sample!;
    const end = Math.min(start + SAMPLES_A_UNIT, study.samples.count);
    const step = study.blockSize(SAMPLES_A_UNIT);
    const answers: Answer[] = [];
    for (let first = start; first < end; first += step) {
      study.checkpoint();
      answers.push(...(await sharesOf(study, first, Math.min(first + step, end))));
    }
    return answers;
  },
  summarise(study, answers) {
    const top = answers.map((answer) => {
      const { sample } = answer.on as { sample: number };
      return { correct: study.correct(sample) === true, shares: (answer.fields['biasShares'] as BiasShares[])[0]! };
    });
    if (top.length === 0) return [];
    const certificate = { completeness: Math.max(...top.map(({ shares }) => completeness(shares))) };
    const right = top.filter(({ correct }) => correct);
    const summary: BiasSummary = {
      ...groupOf(
        study,
        top.map(({ shares }) => shares),
      ),
      correct:
        right.length > 0
          ? groupOf(
              study,
              right.map(({ shares }) => shares),
            )
          : null,
      certificate,
    };
    return [{ on: 'model', fields: { biasSummary: summary } }];
  },
};

/** |F x|_c + r_c against the output that the forward pass gave. */
function completeness({ input, residual, value }: BiasShares): number {
  return Math.abs(input + residual - value) / Math.max(Math.abs(value), Math.abs(input), Math.abs(residual), 1e-30);
}

/** Shares of the outputs that count most for samples first … last−1: the highest ones, then the label's. */
async function sharesOf(study: Study, first: number, last: number): Promise<Answer[]> {
  const map = await study.mapOver(first, last, { mode: frozenMode(study) });
  const outputs = sizeOf(map.codomain);
  const chosen = Array.from({ length: last - first }, (_, i) =>
    chosenOutputs(study, first + i, map.value.subarray(i * outputs, (i + 1) * outputs)),
  );
  const shares = await sharesAt(study, map, chosen);
  return shares.map((biasShares, i) => ({ on: { sample: first + i }, fields: { biasShares } }));
}

/** The interpretation that LI asks for, unless --mode says otherwise. */
export function frozenMode({ settings }: Study): Mode {
  return settings.mode === 'auto' ? 'frozen' : settings.mode;
}

/** The shares of chosen outputs at every input of a map over several. One transposed product per round of outputs. */
export async function sharesAt(
  study: Study,
  map: LocatedMap,
  chosen: readonly (readonly number[])[],
): Promise<BiasShares[][]> {
  const [outputs, inputs] = [sizeOf(map.codomain), sizeOf(map.domain)];
  const rounds = Math.max(...chosen.map((list) => list.length));
  const shares: BiasShares[][] = chosen.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const block = unitRows(
      chosen.map((list) => list[round] ?? list[0]!),
      outputs,
    );
    const rows = await map.transpose(block);
    const byLayer = await map.offsetByLayer(block);
    for (const [i, list] of chosen.entries()) {
      const output = list[round];
      if (output === undefined) continue;
      const input = inner(rowOf(rows, i), map.at.subarray(i * inputs, (i + 1) * inputs));
      const residual = map.offset[i * outputs + output]!;
      shares[i]!.push({
        output: study.outputName(output),
        value: map.value[i * outputs + output]!,
        input,
        residual,
        residualShare: Math.abs(residual) / Math.max(Math.abs(input) + Math.abs(residual), 1e-30),
        byLayer: study.layers.map((layer) => ({
          layer: layer.name,
          value: byLayer[i * study.layers.length + layer.index]!,
        })),
      });
    }
  }
  return shares;
}

/** The highest outputs, then the label's own where it is not among them. */
function chosenOutputs(study: Study, sample: number, values: Float32Array): number[] {
  const highest = [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, study.settings.outputs);
  const label = study.labels?.[sample];
  return label === undefined || label < 0 || label >= values.length || highest.includes(label)
    ? highest
    : [...highest, label];
}

function groupOf(study: Study, shares: readonly BiasShares[]): BiasGroup {
  const moment = (values: readonly number[]): { mean: number; sd: number } => {
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1);
    return { mean, sd: Math.sqrt(variance) };
  };
  const whole = moment(shares.map((s) => s.residualShare));
  const byLayer: LayerMoment[] = study.layers.map((layer, l) => ({
    layer: layer.name,
    ...moment(shares.map((s) => s.byLayer[l]!.value / Math.max(Math.abs(s.input) + Math.abs(s.residual), 1e-30))),
  }));
  const residualShareCounts = Array.from({ length: PARTS }, () => 0);
  for (const { residualShare } of shares)
    residualShareCounts[Math.min(PARTS - 1, Math.floor(PARTS * residualShare))]!++;
  return {
    samples: shares.length,
    residualShareMean: whole.mean,
    residualShareSd: whole.sd,
    residualShareCounts,
    byLayer,
  };
}
