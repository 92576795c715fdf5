// Facts and answers into one report: what is known of the network, its layers and the samples, with what methods answered.
import type {
  Finding,
  Image,
  LayerRecord,
  MethodStatus,
  ModelFields,
  Provenance,
  Report,
  SampleRecord,
} from '../reports/format.ts';
import { pointCloudPng } from './figures/point-cloud.ts';
import { sizeOf, type Shape } from './kernels/kernels.ts';
import { multiplyAddsOf } from './network/inspect.ts';
import { nodeOf, type NodeId, type Preprocessing } from './network/network.ts';
import { featureName, isTable } from './methods/component-pictures.ts';
import type { Answer } from './methods/method.ts';
import { opOf } from './ops/index.ts';
import { inputDoubts, probabilitiesOf } from './methods/probabilities.ts';
import type { Study } from './study.ts';

/** Above this many samples only the detailed and the wrong ones get a thumbnail. */
const MOST_THUMBNAILS = 1000;
const OUTPUTS_LISTED = 10;

/** Builds the report. Fields that methods answered are set on their objects. */
export async function assembleReport(
  study: Study,
  answers: readonly Answer[],
  methods: readonly MethodStatus[],
  provenance: Provenance,
): Promise<Report> {
  const layers: LayerRecord[] = study.layers.map((layer) => layerFacts(study, layer.index));
  const detailed = new Set(study.detailed);
  const samples: SampleRecord[] = [];
  for (let i = 0; i < study.samples.count; i++) samples.push(await sampleFacts(study, i, detailed.has(i)));
  const model: ModelFields = { ...modelFacts(study), provenance, methods: [...methods] };

  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const { on, fields } of answers) {
    const target = on === 'model' ? model : 'layer' in on ? byName.get(on.layer)! : samples[on.sample]!;
    for (const [field, value] of Object.entries(fields)) setField(target, field, value);
  }
  model.findings = [...(model.findings ?? []), ...inputDoubts(study), ...exactnessFindings(samples, layers, model)];
  return { formatVersion: 1, model, layers, samples };
}

/** Sets a field; lists that several units answer are joined in the order of the units. */
function setField(target: Record<string, unknown>, field: string, value: unknown): void {
  const before = target[field];
  target[field] =
    Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : value;
}

function preprocessingFacts({ mean, std, size, ...rest }: Preprocessing) {
  return { ...rest, mean: [...mean], std: [...std], size: size && [...size] };
}

/** What inputs beside the explained one are fed, in sentences. */
export function fedNotes({ network, samples, isFed }: Study): string[] {
  if (samples.count === 0) return [];
  return network.otherInputs.map((id) =>
    isFed(id)
      ? `The input "${id}" is fed the given numbers for every sample.`
      : `The input "${id}" is fed zeros for every sample; --feed ${id}=FILE.npy gives it other numbers.`,
  );
}

function withoutBatch(shape: Shape): number[] {
  return shape[0] === 1 && shape.length > 1 ? shape.slice(1) : [...shape];
}

function modelFacts(study: Study): Omit<ModelFields, 'provenance'> {
  const { network, samples } = study;
  const input = nodeOf(network, network.input);
  const output = nodeOf(network, network.output);
  const outputs = sizeOf(output.shape);
  const judged = Array.from({ length: samples.count }, (_, i) => study.correct(i)).filter((right) => right !== null);
  return {
    name: network.name,
    format: network.format,
    sha256: network.sha256,
    parameterCount: network.parameterCount,
    multiplyAdds: network.nodes.reduce((sum, node) => sum + multiplyAddsOf(network, node), 0),
    inputShape: withoutBatch(input.shape),
    outputShape: withoutBatch(output.shape),
    input: {
      name: network.input,
      kind: study.inputView.kind,
      shape: [...input.shape],
      channelAxis: network.layout.channelAxis,
      heightAxis: network.layout.heightAxis,
      widthAxis: network.layout.widthAxis,
      preprocessing: preprocessingFacts(samples.preprocessing),
      otherInputs: network.otherInputs.map((id) => ({
        name: id,
        shape: [...nodeOf(network, id).shape],
        fedWith: study.isFed(id) ? 'given numbers' : 'zeros',
      })),
    },
    otherOutputs: network.otherOutputs.map((id) => nodeOf(network, id).name),
    stripped: network.stripped,
    notes: [...network.notes, ...samples.notes, ...fedNotes(study)],
    layerGraph: layerGraph(study),
    classNames: study.task === 'classification' ? Array.from({ length: outputs }, (_, i) => study.outputName(i)) : null,
    classSummaries: study.task === 'classification' && study.labels ? classSummaries(study, outputs) : [],
    accuracy: judged.length > 0 ? judged.filter(Boolean).length / judged.length : null,
  };
}

/**
 * Which layer's numbers flow into which: null stands for the input and the output. What only joins a layer behind its weights
 * (the other branches of a sum or a concatenation that belongs to the last one) flows on beside it.
 */
function layerGraph({ network, layers }: Study): { from: string | null; to: string | null }[] {
  const layerOf = new Map(layers.flatMap((layer) => layer.nodes.map((id) => [id, layer.name] as const)));
  const start: [NodeId, Set<string | null>] = [network.input, new Set([null])];
  const behind = new Map([start]);
  for (const node of network.nodes) {
    if (node.id === network.input) continue;
    const found = new Set(node.inputs.flatMap((id) => [...(behind.get(id) ?? [])]));
    const own = layerOf.get(node.id);
    behind.set(node.id, own === undefined ? found : found.add(own));
  }
  const reads = new Map(layers.map((layer) => [layer.name, behind.get(layer.node)!]));
  const sources = new Map([start]);
  const edges = new Map<string, { from: string | null; to: string | null }>();
  const connect = (from: string | null, to: string | null): void => {
    if (from !== to) edges.set(JSON.stringify([from, to]), { from, to });
  };
  for (const node of network.nodes) {
    if (node.id === network.input) continue;
    const incoming = new Set(node.inputs.flatMap((id) => [...(sources.get(id) ?? [])]));
    const own = layerOf.get(node.id);
    if (own === undefined) {
      sources.set(node.id, incoming);
      continue;
    }
    const beside = [...incoming].filter((from) => !reads.get(own)!.has(from));
    for (const from of incoming) if (!beside.includes(from)) connect(from, own);
    sources.set(node.id, new Set([...beside, own]));
  }
  for (const from of sources.get(network.output) ?? []) connect(from, null);
  return [...edges.values()];
}

function classSummaries(study: Study, classes: number): NonNullable<ModelFields['classSummaries']> {
  const rows = Array.from({ length: classes }, (_, i) => ({
    class: study.outputName(i),
    samples: 0,
    right: 0,
    predicted: 0,
  }));
  for (let i = 0; i < study.samples.count; i++) {
    const [label, prediction] = [study.labels![i]!, study.predictions![i]!];
    rows[prediction]!.predicted++;
    if (label < 0 || label >= classes) continue;
    rows[label]!.samples++;
    if (label === prediction) rows[label]!.right++;
  }
  return rows;
}

function layerFacts(study: Study, index: number): LayerRecord {
  const { network } = study;
  const layer = study.layers[index]!;
  const nodes = layer.nodes.map((id) => nodeOf(network, id));
  const activation = nodes.find((node) => opOf(node.op).activation);
  const kinds = new Set(nodes.map((node) => opOf(node.op).kind));
  const strongest = (['product', 'normalisation', 'smooth', 'piecewise linear', 'linear'] as const).find((kind) =>
    kinds.has(kind),
  );
  return {
    name: layer.name,
    op: layer.op,
    index,
    ops: nodes.map((node) => node.op),
    activation: activation?.op ?? null,
    interpretation: strongest ?? null,
    inputShape: [...layer.inputShape],
    outputShape: [...layer.outputShape],
    parameterCount: layer.parameterCount,
    multiplyAdds: nodes.reduce((sum, node) => sum + multiplyAddsOf(network, node), 0),
  };
}

/** An output that is a picture or a cloud, as a person sees it. */
async function drawOutcome(study: Study, scores: Float32Array, alt: string): Promise<Image> {
  const values = study.network.stripped === 'sigmoid' ? Float32Array.from(probabilitiesOf(study, scores)) : scores;
  if (study.outputView.kind !== 'points') return study.drawOutput(values, alt, { kind: 'photo' });
  const { png, ...size } = await pointCloudPng(values);
  return study.pictures.keepPng(png, size, `${alt} from three sides`);
}

async function sampleFacts(study: Study, index: number, detailed: boolean): Promise<SampleRecord> {
  const name = study.samples.name(index);
  const correct = study.correct(index);
  const drawn = detailed || study.samples.count <= MOST_THUMBNAILS || correct === false;
  const record: SampleRecord = {
    index,
    name,
    detailed,
    correct,
    image: drawn ? await study.drawSample(index, detailed) : null,
  };
  if (detailed && study.inputView.kind === 'points') {
    const points = await study.samples.read(index, index + 1);
    const array = await study.pictures.keep(points, [points.length / 3, 3]);
    record.inputs = [{ name: study.network.input, shape: array.shape, array }];
  }
  if (detailed && isTable(study)) {
    const row = await study.samples.read(index, index + 1);
    record.features = Array.from(row, (value, i) => ({ feature: featureName(study, i), value }));
  }
  const label = study.labels?.[index];
  if (label !== undefined && label >= 0) record.label = study.outputName(label);
  if (study.outputs === null) return record;
  const count = study.outputs.length / study.samples.count;
  const values = study.outputs.subarray(index * count, (index + 1) * count);
  if (study.task === 'image') {
    if (detailed) record.outputImage = await drawOutcome(study, values, `Output for sample ${name}`);
    return record;
  }
  const areScores = study.task === 'classification' || study.network.stripped !== null;
  const probabilities = areScores ? probabilitiesOf(study, values) : null;
  const prediction = study.predictions?.[index];
  if (prediction !== undefined) {
    record.prediction = study.outputName(prediction);
    record.confidence = probabilities![prediction]!;
  }
  if (detailed) {
    record.outputs = [...values.keys()]
      .sort((a, b) => values[b]! - values[a]!)
      .slice(0, OUTPUTS_LISTED)
      .map((i) => ({ output: study.outputName(i), value: values[i]!, probability: probabilities?.[i] ?? null }));
  }
  return record;
}

/** Limits that every certificate is held against. */
const EXACT = 1e-4;
const CONVERGED = 1e-3;

/** Findings about the report's own numbers: do the maps reproduce the network, did the directions converge? */
function exactnessFindings(
  samples: readonly SampleRecord[],
  layers: readonly LayerRecord[],
  model: ModelFields,
): Finding[] {
  const findings: Finding[] = [];
  const hold = (
    rule: string,
    values: (number | null | undefined)[],
    limit: number,
    good: string,
    bad: string,
  ): void => {
    const given = values.filter((value) => typeof value === 'number');
    if (given.length === 0) return;
    const value = given.reduce((a, b) => Math.max(a, b));
    findings.push({
      rule,
      level: value <= limit ? 'PASS' : 'FAIL',
      subject: 'model',
      value,
      limit,
      unit: 'relative error',
      message: value <= limit ? good : bad,
    });
  };
  const maps = samples.map((sample) => sample.inputOutputMap?.certificate);
  const cancellation = Math.max(0, ...maps.map((c) => c?.cancellation ?? 0));
  hold(
    'completeness',
    [...maps.map((c) => c?.completeness), model.biasSummary?.certificate?.completeness],
    EXACT,
    'The maps, run at the input and added to their constants, give the network’s own output.',
    cancellation > 100
      ? `Some map does not reproduce the network’s output: what the input passes on and the constants are up to ${Math.round(cancellation)} times larger than their sum, and rounding counts as much more.`
      : 'Some map does not reproduce the network’s output: read its numbers with that error in mind.',
  );
  hold(
    'adjointness',
    maps.map((c) => c?.adjointness),
    EXACT,
    'Forward and transposed products belong to the same map.',
    'Forward and transposed products disagree: directions may be wrong.',
  );
  const residuals = [...maps, ...layers.map((layer) => layer.weightDirections?.certificate)].flatMap(
    (c) => c?.residuals ?? [],
  );
  hold(
    'convergence',
    residuals,
    CONVERGED,
    'Every direction satisfies A v = σ u and Aᵀ u = σ v.',
    'Some directions did not converge: their values are lower bounds.',
  );
  return findings;
}
