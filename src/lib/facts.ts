// Sentences and small summaries that more than one page says about a model.
import type { ModelFacts } from './data.ts';
import { worstError } from './certificate.ts';
import { formatCount, formatPlural, formatShape, formatShortCount } from './numbers.ts';

/** Findings on one page, and rows of a table of layers: keep the page below its budget. */
export const MOST_FINDINGS = 40;
export const LAYERS_PER_PAGE = 100;

const FORMATS: Readonly<Record<string, string>> = {
  onnx: 'ONNX',
  'tfjs-layers': 'TensorFlow.js layers model',
  'tfjs-graph': 'TensorFlow.js graph model',
  'keras-h5': 'Keras HDF5',
  'keras-v3': 'Keras v3',
};

/** The model file's format as people call it. */
export function formatName(format: string): string {
  return FORMATS[format] ?? format;
}

/** A layer inside a sentence: one that is only a number needs the word. */
export function layerLabel(name: string): string {
  return /^\d/.test(name) ? `layer ${name}` : name;
}

/** A layer as a heading. */
export function layerTitle(name: string): string {
  return /^\d/.test(name) ? `Layer ${name}` : name;
}

/** A sample as the title of a link: one that is only a number needs the word. */
export function sampleTitle(name: string): string {
  return /^\d+$/.test(name) ? `Sample ${name}` : name;
}

const classCount = (model: ModelFacts): number =>
  model.classNames?.length ?? (model.accuracy === null ? 0 : Math.max(...model.outputShape));
const hasOneOutput = ({ outputShape }: ModelFacts): boolean => outputShape.every((size) => size === 1);

/** An output inside a sentence: `cat`, `class 3`, `output 7`, and `the output` of a network that has one only. */
export function outputLabel(model: ModelFacts, output: string): string {
  if (output === 'whole output') return 'the whole output';
  if (hasOneOutput(model)) return 'the output';
  if (!/^\d+$/.test(output)) return output;
  return `${classCount(model) > 0 ? 'class' : 'output'} ${output}`;
}

/** What a classifier says for a class is a score; other networks have outputs. */
export function scoreLabel(model: ModelFacts, output: string): string {
  const label = outputLabel(model, output);
  return classCount(model) > 0 ? `score for ${label}` : hasOneOutput(model) ? 'output' : `value of ${label}`;
}

/** The output that is explained, for sentences about all samples. */
export function explainedOutput(model: ModelFacts): string {
  return classCount(model) > 0 ? 'predicted score' : hasOneOutput(model) ? 'output' : 'largest output';
}

/** What this network is, in one sentence. */
export function describeModel(model: ModelFacts): string {
  const size = `${formatPlural(model.layers.length, 'layer')} and ${formatShortCount(model.parameterCount)} parameters`;
  const input = describeInput(model);
  const classes = classCount(model);
  const does =
    classes > 0
      ? `tells ${formatPlural(classes, 'class', 'classes')} apart in ${input}`
      : `turns ${input} into ${describeOutput(model)}`;
  return `A network of ${size} that ${does}.`;
}

/** Another of its kind where the output has the size of the input. */
function describeOutput({ input, inputShape, outputShape }: ModelFacts): string {
  const same = formatShape(inputShape) === formatShape(outputShape);
  const kind = input?.kind === 'image' ? 'images' : input?.kind === 'points' ? 'point clouds' : 'signals';
  if (same) return input?.kind ? `${kind} of the same size` : 'as many';
  const [height, width, ...others] = outputShape.filter((size) => size > 1);
  const [tall, wide] = [input?.heightAxis, input?.widthAxis].map((axis) => (axis == null ? 0 : input!.shape[axis]!));
  // An image in the proportions of the one that came in; a list of boxes is none.
  const isImage = input?.kind === 'image' && others.length === 0 && tall! > 0 && height! * wide! === width! * tall!;
  return isImage ? `grey images of ${formatCount(width)} × ${formatCount(height)} pixels` : describeSize(outputShape);
}

function describeInput({ input, inputShape }: ModelFacts): string {
  if (input?.kind === 'image' && input.heightAxis !== null && input.widthAxis !== null) {
    const channels = input.channelAxis === null ? 1 : input.shape[input.channelAxis];
    const colour =
      channels === 1 ? 'grey images' : channels === 3 ? 'colour images' : `images with ${channels} channels`;
    return `${colour} of ${formatCount(input.shape[input.widthAxis])} × ${formatCount(input.shape[input.heightAxis])} pixels`;
  }
  if (input?.kind === 'points') return `point clouds of ${formatShape(inputShape)}`;
  return input?.kind === 'signal' ? `signals of ${formatShape(inputShape)}` : describeSize(inputShape);
}

function describeSize(shape: readonly number[]): string {
  const text = formatShape(shape);
  return text === '1' || text === 'one number' ? 'one number' : `${text} numbers`;
}

export interface LevelCounts {
  readonly fail: number;
  readonly warn: number;
  readonly pass: number;
}

/** Findings by level. */
export function countLevels(model: ModelFacts): LevelCounts {
  const count = (level: string) => model.findings.filter((finding) => finding.level === level).length;
  return { fail: count('FAIL'), warn: count('WARN'), pass: count('PASS') };
}

/** What failed in the analysis itself: `method (unit): reason`, or the method where it failed as a whole. */
export function failedParts({ methods }: Pick<ModelFacts, 'methods'>): string[] {
  return methods.flatMap(({ method, outcome, reason, failures }) => {
    if (failures.length > 0) return failures.map((one) => `${method} (${one.unit}): ${one.reason}`);
    return outcome === 'FAILED' ? [`${method}: ${reason ?? 'no reason was given'}`] : [];
  });
}

/** The worst level of the findings about each subject. */
export function levelsBySubject(model: ModelFacts): ReadonlyMap<string, 'warn' | 'fail'> {
  const levels = new Map<string, 'warn' | 'fail'>();
  for (const { level, subject } of model.findings) {
    if (level === 'FAIL') levels.set(subject, 'fail');
    else if (level === 'WARN' && !levels.has(subject)) levels.set(subject, 'warn');
  }
  return levels;
}

/** The layer that needs the most patterns for its neurons, and how many for each, logits left out; null where none was asked. */
export function fullestLayer(model: Pick<ModelFacts, 'layers'>): { layer: string; share: number } | null {
  // The outputs are as many as there are answers, whatever the network could hold.
  const inner = model.layers.filter(({ activation }, i) => activation !== null || i < model.layers.length - 1);
  const shares = inner.flatMap(({ name, representationalPower }) =>
    representationalPower.filter(({ part }) => part === 'ALL').map(({ share }) => ({ layer: name, share })),
  );
  return shares.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

/** The largest relative error in the certificates of a model's layers and summaries, and where it is; null without any. */
export function worstCertificate(model: ModelFacts): { error: number; of: string } | null {
  const certified = [
    ...model.layers.flatMap((layer) =>
      layer.weightDirections ? [{ of: layerLabel(layer.name), certificate: layer.weightDirections.certificate }] : [],
    ),
    ...(model.biasSummary?.certificate ? [{ of: 'bias shares', certificate: model.biasSummary.certificate }] : []),
  ];
  return certified.reduce<{ error: number; of: string } | null>((worst, { of, certificate }) => {
    const error = worstError(certificate);
    return error !== null && (worst === null || error > worst.error) ? { error, of } : worst;
  }, null);
}
