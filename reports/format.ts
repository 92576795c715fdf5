// The report: its types (zod, and what TypeScript infers from them), its version, and the way up from older versions.
// Names and meanings are those of graphql/schema.graphql, where each field is described; a test holds the two together.
// Analysis hands over a `Report` in memory, in which whatever no method answered may be left out; `parseReport` fills
// the gaps with null and [] so that what is stored has every field, and a reader need not ask whether one is there.
import { z } from 'zod';

/** Raised when an older reader could misread a new report; adding fields is no reason. */
export const FORMAT_VERSION = 1;

// ---- pieces ----

const text = z.string();
const number = z.number();
const count = z.int().nonnegative();
/** Null unless given: a question that was not asked, or has no answer (a `…Reason` beside it, or the method's status, says why). */
const maybe = <T extends z.ZodType>(type: T) => z.nullable(type).default(null as never);
const list = <T extends z.ZodType>(type: T) => z.array(type).readonly();
/** Empty unless given. */
const some = <T extends z.ZodType>(type: T) => list(type).default([]);
const numbers = list(number);
const shape = list(count);

/** A picture's path relative to the site's root, named by content. */
export const pictureFile = z.string().regex(/^files\/[0-9a-z]{8,64}\.png$/, 'expected files/<hash>.png');
/** An array's path relative to the site's root, named by content (little-endian float32 .npy). */
export const arrayFile = z.string().regex(/^files\/[0-9a-z]{8,64}\.npy$/, 'expected files/<hash>.npy');

const image = z.object({
  url: pictureFile,
  width: count,
  height: count,
  alt: text,
  array: maybe(arrayFile),
  limit: maybe(number),
});
const numberArray = z.object({ url: arrayFile, shape });
const sampleReference = z.object({ index: count, name: text });

const certificate = z.object({
  completeness: maybe(number),
  cancellation: maybe(number),
  adjointness: maybe(number),
  residuals: some(number),
  converged: maybe(count),
  applications: maybe(count),
  reconstruction: maybe(number),
  remainder: maybe(number),
  noise: maybe(number),
});

const direction = z.object({
  index: count,
  singularValue: number,
  inputImage: maybe(image),
  outputImage: maybe(image),
  group: count,
});

// ---- weights ----

const powerLaw = z.object({
  alpha: number,
  xmin: number,
  distance: number,
  standardError: number,
  tailCount: count,
  caution: maybe(text),
});

const signalExemplar = z.object({
  sample: sampleReference,
  signal: number,
  heatMap: maybe(image),
  activatedHeatMap: maybe(image),
});

const signalSpread = z.object({ class: text, samples: count, quantiles: numbers });

const weightDirection = z.object({
  index: count,
  singularValue: number,
  group: count,
  block: count.default(0),
  filter: maybe(image),
  synthesised: maybe(image),
  synthesisedSignal: maybe(number),
  exemplars: some(signalExemplar),
  signals: some(signalSpread),
});

const alphaConvention = z.enum(['PAPER', 'DDP', 'WEIGHTWATCHER']);
const capacityMetric = z.object({ convention: alphaConvention, value: number });
const capacityTerm = z.object({ convention: alphaConvention, alpha: number, largest: number, value: number });

const convolutionSteps = z.object({
  sample: sampleReference,
  output: count,
  parts: list(z.object({ direction: count, weight: number, answer: image, contribution: image })),
  rest: maybe(image),
  sum: image,
  activated: maybe(image),
});

const weightDirections = z.object({
  weightShape: shape,
  unfoldedShape: shape,
  blocks: count.default(1),
  singularValues: numbers,
  energy: numbers,
  rank: count,
  stableRank: number,
  effectiveRank: number,
  toeplitzSingularValues: some(number),
  toeplitzReason: maybe(text),
  powerLaw: maybe(powerLaw),
  powerLawReason: maybe(text),
  capacityTerms: some(capacityTerm),
  directions: some(weightDirection),
  synthesisReason: maybe(text),
  steps: maybe(convolutionSteps),
  inputVectors: maybe(numberArray),
  outputVectors: maybe(numberArray),
  certificate,
});

const directionGroup = z.object({
  classes: list(text),
  directions: list(count),
  synthesised: maybe(image),
  exemplars: some(signalExemplar),
});

const hierarchyVariant = z.object({
  quantile: number,
  majority: number,
  threshold: number,
  groups: list(z.object({ classes: list(text), directions: list(count), sample: maybe(sampleReference) })),
  edges: list(list(count)),
});

const classHierarchy = z.object({
  quantile: number,
  majority: number,
  threshold: number,
  groups: list(directionGroup),
  edges: list(list(count)),
  classesFrom: maybe(text),
  samples: maybe(count),
  considered: maybe(count),
  total: maybe(count),
  synthesisReason: maybe(text),
  alternatives: some(hierarchyVariant),
});

// ---- layer features and decision traces ----

const score = z.object({ pearson: number, meanAbsoluteError: number });
const classImage = z.object({ class: text, image });
const embeddedSample = z.object({
  sample: text,
  x: number,
  y: number,
  label: maybe(text),
  correct: maybe(z.boolean()),
  cluster: maybe(count),
});

const layerFeature = z.object({ index: count, singularValue: number, mean: maybe(image), byClass: some(classImage) });
const cluster = z.object({ index: count, size: count, majority: maybe(text), purity: maybe(number) });

const layerFeatures = z.object({
  k: count,
  kSource: maybe(text),
  samples: maybe(count),
  singularValues: numbers,
  outputSingularValues: some(number),
  outputReason: maybe(text),
  outputReconstruction: maybe(score),
  outputVectors: maybe(numberArray),
  reconstruction: score,
  cosineFeatures: score,
  pullbackFeatures: score,
  features: some(layerFeature),
  embedding: some(embeddedSample),
  embeddingMethod: maybe(text),
  clusters: some(cluster),
  silhouette: maybe(number),
  inputVectors: maybe(numberArray),
  certificate,
});

const decisionTrace = z.object({
  layers: some(text),
  classes: list(text),
  fullClasses: list(text),
  clusterClasses: some(text),
  decisionLayer: count,
  variation: list(count),
  profiles: some(list(text)),
  centroidsFrom: maybe(text),
});

const traceGroup = z.object({
  count,
  rightByLayer: numbers,
  fullRightByLayer: some(number),
  clusterRightByLayer: some(number),
  decidedByLayer: numbers,
  variationMean: numbers,
  variationSd: numbers,
});
const traceFlow = z.object({ layer: count, from: text, to: text, count, wrong: count });
const traceSummary = z.object({
  layers: list(text),
  correct: traceGroup,
  wrong: traceGroup,
  flows: some(traceFlow),
});

// ---- input patterns ----

const neuronPart = z.enum(['ALL', 'ACTIVE', 'INACTIVE']);
const narrowPattern = z.object({ neuron: text, index: count, weight: number, image: maybe(image) });
const neuronImage = z.object({ neuron: text, value: maybe(number), image });

const inputPatterns = z.object({
  layer: text,
  part: neuronPart,
  neurons: count,
  drawn: maybe(count),
  disconnected: count.default(0),
  singularValues: numbers,
  representationalPower: count,
  gamma: number.default(0.9),
  patterns: some(direction),
  narrow: some(narrowPattern),
  contributions: some(neuronImage),
  certificate,
});

const representationalPower = z.object({
  part: neuronPart,
  gamma: number,
  count: number,
  share: number,
  countSd: maybe(number),
  samples: maybe(count),
  neurons: maybe(count),
});

const sanityScore = z.object({
  picture: text,
  against: text,
  layer: maybe(text),
  spearmanMean: number,
  spearmanSd: number,
  samples: maybe(count),
});

// ---- output contributions ----

const layerValue = z.object({ layer: text, value: number });

const featureTerm = z.object({ feature: text, direction: number, contribution: number });

const outputComponent = z.object({
  index: count,
  singularValue: number,
  group: maybe(count),
  coefficient: number,
  contribution: number,
  reduced: maybe(number),
  share: maybe(number),
  image: maybe(image),
  contraction: maybe(image),
  outputImage: maybe(image),
  features: some(featureTerm),
});

const outputContributions = z.object({
  split: text,
  output: text,
  value: number,
  bias: number,
  bypass: maybe(number),
  remainder: number,
  curvature: maybe(number),
  uncancelled: maybe(count),
  singularValues: some(number),
  components: list(outputComponent),
  biasByLayer: some(layerValue),
  biasImage: maybe(image),
  linearImage: maybe(image),
  expression: text,
  latex: text,
  certificate,
});

const componentSimilarity = z.object({ split: text, component: count, samples: list(text), values: list(numbers) });
const dataDirections = z.object({
  samples: count,
  singularValues: numbers,
  rightSingularValues: some(number),
  cosines: some(number),
  directions: some(direction),
  certificate,
});

// ---- input-output map, biases, votes, attributions ----

const fieldPicture = z.object({ at: list(count), reason: maybe(text), image });

const inputOutputMap = z.object({
  shape,
  singularValues: some(number),
  directions: some(direction),
  residual: maybe(image),
  rows: some(fieldPicture),
  columns: some(fieldPicture),
  transposed: maybe(image),
  farEnergy: maybe(number),
  farRadius: maybe(number),
  farEnergyReason: maybe(text),
  certificate,
});

const biasShares = z.object({
  output: text,
  value: number,
  input: number,
  residual: number,
  residualShare: number,
  byLayer: list(layerValue),
});

const layerMoment = z.object({ layer: text, mean: number, sd: number });
const biasGroup = z.object({
  samples: count,
  residualShareMean: number,
  residualShareSd: number,
  residualShareCounts: some(count),
  byLayer: list(layerMoment),
});
const biasSummary = biasGroup.extend({ correct: maybe(biasGroup), certificate: maybe(certificate) });

const adversarialStep = z.object({
  epsilon: number,
  prediction: maybe(text),
  image: maybe(image),
  clean: biasShares,
  perturbed: biasShares,
});

const pixelVotes = z.object({
  shares: list(z.object({ class: text, share: number })),
  winner: text,
  voters: some(classImage),
  discussions: some(classImage),
});

const attribution = z.object({
  method: text,
  output: text,
  image,
  completeness: maybe(number),
  deletion: maybe(number),
  insertion: maybe(number),
  deletionRandom: maybe(number),
  insertionRandom: maybe(number),
  deletionCurve: some(number),
  insertionCurve: some(number),
});

const similarityOverlay = z.object({ layer: text, other: sampleReference, at: maybe(list(count)), image });

// ---- the report as a whole ----

const setting = z.object({ name: text, value: text });
const provenance = z.object({
  tool: text,
  version: text,
  backend: text,
  precision: text,
  seed: z.int(),
  command: text,
  samplesSha256: text,
  settingsSha256: text,
  sampleCount: count.default(0),
  settings: some(setting),
});

const skippedLayer = z.object({ layer: text, reason: text });
const failedUnit = z.object({ unit: text, reason: text });
const methodStatus = z.object({
  method: text,
  question: text.default(''),
  version: count.default(0),
  outcome: z.enum(['ANSWERED', 'NOT_APPLICABLE', 'FAILED']),
  reason: maybe(text),
  layersSkipped: some(skippedLayer),
  failures: some(failedUnit),
});

const finding = z.object({
  rule: text,
  level: z.enum(['PASS', 'WARN', 'FAIL']),
  subject: text,
  value: maybe(number),
  limit: maybe(number),
  floor: maybe(number),
  unit: maybe(text),
  message: text,
});

const preprocessing = z.object({
  scale: number,
  mean: numbers,
  std: numbers,
  channelOrder: text,
  size: maybe(shape),
  source: text,
});

const otherInput = z.object({ name: text, shape, fedWith: maybe(text) });
const inputDescription = z.object({
  name: text,
  kind: z.enum(['image', 'points', 'signal', 'vector']),
  shape,
  channelAxis: maybe(count),
  heightAxis: maybe(count),
  widthAxis: maybe(count),
  preprocessing: maybe(preprocessing),
  otherInputs: some(otherInput),
});

const layerEdge = z.object({ from: maybe(text), to: maybe(text) });
const classSummary = z.object({ class: text, samples: count, right: count, predicted: count });

const model = z.object({
  name: text,
  format: z.enum(['onnx', 'tfjs-layers', 'tfjs-graph', 'keras-h5', 'keras-v3']),
  sha256: text,
  parameterCount: number,
  multiplyAdds: maybe(number),
  inputShape: shape,
  outputShape: shape,
  input: maybe(inputDescription),
  otherOutputs: some(text),
  stripped: maybe(z.enum(['softmax', 'sigmoid'])),
  notes: some(text),
  layerGraph: some(layerEdge),
  classNames: maybe(list(text)),
  classSummaries: some(classSummary),
  accuracy: maybe(number),
  provenance,
  methods: some(methodStatus),
  findings: some(finding),
  traceSummary: maybe(traceSummary),
  biasSummary: maybe(biasSummary),
  capacity: some(capacityMetric),
  sanity: some(sanityScore),
  componentSimilarities: some(componentSimilarity),
  dataDirections: maybe(dataDirections),
});

/** What report.json holds of a layer: enough for every list of layers. */
const layerHead = z.object({
  name: text,
  op: text,
  index: count,
  ops: some(text),
  activation: maybe(text),
  interpretation: maybe(text),
  inputShape: shape,
  outputShape: shape,
  parameterCount: number,
  multiplyAdds: maybe(number),
  representationalPower: some(representationalPower),
  inactiveShare: maybe(number),
  inactiveShareSd: maybe(number),
  disconnectedShare: maybe(number),
});
/** What a layer's own file holds. */
const layerBody = z.object({
  weightDirections: maybe(weightDirections),
  classHierarchy: maybe(classHierarchy),
  layerFeatures: maybe(layerFeatures),
});

/** What report.json holds of a sample: enough to list, filter and sort without opening another file. */
const sampleHead = z.object({
  index: count,
  name: text,
  label: maybe(text),
  prediction: maybe(text),
  confidence: maybe(number),
  correct: maybe(z.boolean()),
  detailed: z.boolean().default(false),
  decisionLayer: maybe(count),
  meanVariation: maybe(number),
  image: maybe(image),
});
/** What a sample's own file holds. */
const sampleBody = z.object({
  features: some(z.object({ feature: text, value: number })),
  outputs: some(z.object({ output: text, value: number, probability: maybe(number) })),
  outputImage: maybe(image),
  inputs: some(z.object({ name: text, shape, image: maybe(image), array: maybe(numberArray) })),
  decisionTrace: maybe(decisionTrace),
  layerReconstruction: some(layerValue),
  inputPatterns: some(inputPatterns),
  outputContributions: some(outputContributions),
  inputOutputMap: maybe(inputOutputMap),
  biasShares: some(biasShares),
  adversarialStep: maybe(adversarialStep),
  pixelVotes: maybe(pixelVotes),
  attributions: some(attribution),
  similarityOverlays: some(similarityOverlay),
});

const layer = layerHead.extend(layerBody.shape);
const sample = sampleHead.extend(sampleBody.shape);
/** The whole report: what analysis hands over, and what a reader can put together again. */
export const reportSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  model,
  layers: list(layer),
  samples: list(sample),
});

// ---- what analysis writes: fields that may be absent are optional ----

/** A report in memory, as analysis hands it to the store: layers and samples in the order of the network and of the input. */
export type Report = z.input<typeof reportSchema>;
/** The fields of the model: facts about the network, and what methods answer on 'model'. */
export type ModelFields = z.input<typeof model>;
/** Facts about a layer, and what methods answer on it. */
export type LayerRecord = z.input<typeof layer>;
/** Facts about a sample, and what methods answer on it. `decisionLayer` is taken from `decisionTrace` when left out. */
export type SampleRecord = z.input<typeof sample>;

export type AdversarialStep = z.input<typeof adversarialStep>;
export type Attribution = z.input<typeof attribution>;
export type BiasGroup = z.input<typeof biasGroup>;
export type BiasShares = z.input<typeof biasShares>;
export type BiasSummary = z.input<typeof biasSummary>;
export type Certificate = z.input<typeof certificate>;
export type ClassHierarchy = z.input<typeof classHierarchy>;
export type CapacityTerm = z.input<typeof capacityTerm>;
export type ClassImage = z.input<typeof classImage>;
export type DataDirections = z.input<typeof dataDirections>;
export type DecisionTrace = z.input<typeof decisionTrace>;
export type Direction = z.input<typeof direction>;
export type DirectionGroup = z.input<typeof directionGroup>;
export type EmbeddedSample = z.input<typeof embeddedSample>;
export type FeatureTerm = z.input<typeof featureTerm>;
export type FieldPicture = z.input<typeof fieldPicture>;
export type Finding = z.input<typeof finding>;
export type HierarchyVariant = z.input<typeof hierarchyVariant>;
export type ConvolutionSteps = z.input<typeof convolutionSteps>;
export type SignalSpread = z.input<typeof signalSpread>;
/** A picture in the report: url and array are relative to the site's root, the same value in JSON and GraphQL. */
export type Image = z.input<typeof image>;
export type InputOutputMap = z.input<typeof inputOutputMap>;
export type InputPatterns = z.input<typeof inputPatterns>;
export type LayerFeature = z.input<typeof layerFeature>;
export type LayerFeatures = z.input<typeof layerFeatures>;
export type LayerMoment = z.input<typeof layerMoment>;
export type MethodStatus = z.input<typeof methodStatus>;
export type NarrowPattern = z.input<typeof narrowPattern>;
export type NeuronImage = z.input<typeof neuronImage>;
/** Numbers kept in a .npy file of the report. */
export type NumberArray = z.input<typeof numberArray>;
export type OutputComponent = z.input<typeof outputComponent>;
export type OutputContributions = z.input<typeof outputContributions>;
export type PixelVotes = z.input<typeof pixelVotes>;
export type Provenance = z.input<typeof provenance>;
export type RepresentationalPower = z.input<typeof representationalPower>;
export type SanityScore = z.input<typeof sanityScore>;
export type Score = z.input<typeof score>;
export type SignalExemplar = z.input<typeof signalExemplar>;
export type SimilarityOverlay = z.input<typeof similarityOverlay>;
export type TraceGroup = z.input<typeof traceGroup>;
export type TraceSummary = z.input<typeof traceSummary>;
export type WeightDirection = z.input<typeof weightDirection>;
export type WeightDirections = z.input<typeof weightDirections>;

// ---- what readers get: every field is there ----

export type StoredModel = z.output<typeof model>;
export type StoredLayerHead = z.output<typeof layerHead>;
export type StoredLayer = z.output<typeof layer>;
export type StoredSampleHead = z.output<typeof sampleHead>;
export type StoredSample = z.output<typeof sample>;
export type StoredFinding = z.output<typeof finding>;
export type StoredRun = z.output<typeof runSchema>;

// ---- checks and upgrades ----

/** Reading is lenient about keys that a newer version added; writing is not, because they would be lost to GraphQL. */
function unknownKeys(given: unknown, known: unknown, path: string): string[] {
  if (Array.isArray(given) && Array.isArray(known)) {
    return given.flatMap((entry, i) => unknownKeys(entry, known[i], `${path}[${i}]`));
  }
  if (!isObject(given) || !isObject(known)) return [];
  return Object.keys(given).flatMap((key) => {
    const at = path ? `${path}.${key}` : key;
    if (!(key in known)) return given[key] === undefined ? [] : [`${at}: no such field in the report format`];
    return unknownKeys(given[key], known[key], at);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A sentence per problem, with its path: `weightDirections.stableRank: expected number, received NaN`. */
function problemsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const path = issue.path
      .map((p, i) => (typeof p === 'number' ? `[${p}]` : i ? `.${String(p)}` : String(p)))
      .join('');
    const message = issue.message.replace(/^Invalid input: /, '');
    return path ? `${path}: ${message}` : message;
  });
}

const answerable = { model: model.partial(), layer: layer.partial(), sample: sample.partial() };

/** What is wrong with fields that a method answers on a model, layer or sample: one line per problem, none when all is well. */
export function fieldProblems(on: keyof typeof answerable, fields: Readonly<Record<string, unknown>>): string[] {
  const parsed = answerable[on].safeParse(fields);
  return parsed.success ? unknownKeys(fields, parsed.data, '') : problemsOf(parsed.error);
}

/** Fills what may be absent with null and []; throws an Error that lists every problem when the report breaks the format. */
export function parseReport(given: Report): z.output<typeof reportSchema> {
  const parsed = reportSchema.safeParse(given);
  if (!parsed.success) throw broken(problemsOf(parsed.error));
  const { layers, samples } = parsed.data;
  const problems = [
    ...unknownKeys(given, parsed.data, ''),
    ...repeated(layers, 'layers'),
    ...repeated(samples, 'samples'),
    ...misplaced(layers, 'layers'),
    ...misplaced(samples, 'samples'),
    ...strayMentions(layers, samples, 'layers'),
    ...strayMentions(samples, samples, 'samples'),
  ];
  if (problems.length > 0) throw broken(problems);
  return {
    ...parsed.data,
    samples: samples.map((s) => ({ ...s, decisionLayer: s.decisionLayer ?? s.decisionTrace?.decisionLayer ?? null })),
  };
}

function broken(problems: readonly string[]): Error {
  const more = problems.length > 20 ? `\n… and ${problems.length - 20} more` : '';
  return new Error(`The report breaks its format:\n${problems.slice(0, 20).join('\n')}${more}`);
}

/** Names are how layers and samples are asked for, so two must not share one. */
function repeated(entries: readonly { name: string }[], list: string): string[] {
  const first = new Map<string, number>();
  return entries.flatMap(({ name }, i) => {
    if (first.has(name)) return [`${list}[${i}].name: "${name}" is also the name of ${list}[${first.get(name)}]`];
    first.set(name, i);
    return [];
  });
}

function misplaced(entries: readonly { index: number }[], list: string): string[] {
  return entries.flatMap((e, i) => (e.index === i ? [] : [`${list}[${i}].index: expected ${i}, received ${e.index}`]));
}

/** Calls back with every mention of a sample (`{ index, name }` under `sample` or `other`) within a layer or sample. */
export function eachMention(
  value: unknown,
  found: (mention: { index: number; name: string }, path: string) => void,
  path = '',
): void {
  if (Array.isArray(value)) {
    // Lists of numbers are long and mention nobody.
    if (isObject(value[0])) value.forEach((entry, i) => eachMention(entry, found, `${path}[${i}]`));
  } else if (isObject(value)) {
    for (const [key, entry] of Object.entries(value)) {
      if (key === 'sample' || key === 'other') {
        if (isObject(entry)) found(entry as { index: number; name: string }, `${path}.${key}`);
      } else eachMention(entry, found, `${path}.${key}`);
    }
  }
}

/** A mention must lead to the sample that it names. */
function strayMentions(value: unknown, samples: readonly { name: string }[], path: string): string[] {
  const problems: string[] = [];
  eachMention(
    value,
    ({ index, name }, at) => {
      if (samples[index]?.name !== name) problems.push(`${at}: sample ${index} is not "${name}"`);
    },
    path,
  );
  return problems;
}

// ---- files ----

/** What a layer's file adds to its head in report.json, and what a sample's does. */
export const layerBodyFields = Object.keys(layerBody.shape) as (keyof typeof layerBody.shape)[];
export const sampleBodyFields = Object.keys(sampleBody.shape) as (keyof typeof sampleBody.shape)[];
export { layerBody, sampleBody };

/** report.json: the model, what every list of layers and samples needs, and the hash of each file with the rest. */
export const headSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  model,
  layers: list(layerHead),
  samples: list(sampleHead),
  /** SHA-256 by path within the report's folder. */
  parts: z.record(z.string(), z.string()),
});

/** run.json: what differs from run to run. Other keys are kept for people. */
export const runSchema = z.looseObject({
  startedAt: maybe(text),
  finishedAt: maybe(text),
  seconds: maybe(number),
  host: maybe(text),
  platform: maybe(text),
  node: maybe(text),
  warnings: some(text),
});
/** What run.json holds: times, host, versions, warnings. */
export type RunRecord = z.input<typeof runSchema>;

// ---- upgrades ----

/** Brings the JSON of one file from a format version to the next. */
export type Upgrade = Partial<Record<'report' | 'layer' | 'sample', (json: unknown) => unknown>>;

/** By the version that it starts from. Version 1 is the first, so there is none yet. */
const UPGRADES: Readonly<Record<number, Upgrade>> = {};

/**
 * Brings the JSON of a file of a report of an older format version up to this one.
 * Throws an Error when the version is no whole number from 1, is newer than this reader, or has no way up.
 */
export function upgrade(
  kind: keyof Upgrade,
  json: unknown,
  version: unknown,
  { upgrades = UPGRADES, to = FORMAT_VERSION } = {},
): unknown {
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw new Error(`formatVersion: expected a whole number from 1, received ${JSON.stringify(version)}`);
  }
  if (version > to) {
    throw new Error(`formatVersion ${version} is newer than ${to}, the newest that this version of eigenlens reads`);
  }
  let upgraded = json;
  for (let from = version; from < to; from++) {
    const step = upgrades[from];
    if (!step) throw new Error(`formatVersion ${from}: no way up to ${from + 1}`);
    upgraded = step[kind]?.(upgraded) ?? upgraded;
  }
  if (kind === 'report' && isObject(upgraded)) return { ...upgraded, formatVersion: to };
  return upgraded;
}
