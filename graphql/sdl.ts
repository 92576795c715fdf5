// schema.graphql as a module, for where no file can be read. Not edited: `npx vitest run test/graphql/schema.test.ts -u`
// writes it anew.

export const sdl = `# The public names of a report: JSON on disk and GraphQL use the same ones. Query only. Relative errors: 0 is perfect.
# Names and meanings stay; fields are added. \`first\` is at most 100. A null has its reason beside it (\`…Reason\`), in the
# status of the method that would have answered it (\`Model.methods\`), or in its description.

type Query {
  "By report id, ascending."
  models(first: Int = 20, after: String): ModelConnection!
  "By report id, the name of its folder (or by global id)."
  model(id: ID!): Model
  "Any object by its global id."
  node(id: ID!): Node
  "Two reports side by side; what cannot be compared says why."
  compare(base: ID!, head: ID!): Comparison!
  "Versions and limits of this service."
  service: Service!
}

"Something with an id that is the same on every machine that has the report under the same name."
interface Node {
  id: ID!
}

type Model implements Node {
  id: ID!
  "The report's id: the name of its folder."
  report: ID!
  "Content hash of the report: equal reports are equal in every number and picture."
  digest: String!
  formatVersion: Int!
  name: String!
  "onnx, tfjs-layers, tfjs-graph, keras-h5 or keras-v3"
  format: String!
  sha256: String!
  parameterCount: Float!
  "Multiplications with addition of one forward pass; null where an op's cost is unknown."
  multiplyAdds: Float
  inputShape: [Int!]!
  outputShape: [Int!]!
  "The input that is explained, and how raw samples become it."
  input: InputDescription
  "Outputs that are not explained, by name."
  otherOutputs: [String!]!
  "softmax or sigmoid where one was taken off the output, so that logits are explained; null when none was."
  stripped: String
  "What loading changed or assumed, in sentences."
  notes: [String!]!
  "Which layer feeds which, for a diagram."
  layerGraph: [LayerEdge!]!
  classNames: [String!]
  "Per class, over the labelled samples; empty without labels."
  classSummaries: [ClassSummary!]!
  "Share of labelled samples predicted right; null without labels."
  accuracy: Float
  provenance: Provenance!
  "When and where it was made: not part of the report's identity, null where run.json is missing."
  run: Run
  layers: [Layer!]!
  layer(name: String!): Layer
  "In the order of the input unless another is asked for. A cursor belongs to the order that it came with."
  samples(first: Int = 20, after: String, filter: SampleFilter, orderBy: SampleOrder = INPUT): SampleConnection!
  sample(name: String!): Sample
  "Every method, run or not, with the reason."
  methods: [MethodStatus!]!
  findings: [Finding!]!
  traceSummary: TraceSummary
  biasSummary: BiasSummary
  capacity: [CapacityMetric!]!
  sanity: [SanityScore!]!
  "Which samples share an input direction."
  componentSimilarities: [ComponentSimilarity!]!
  "Singular directions of the samples themselves, beside those of the network."
  dataDirections: DataDirections
}

type InputDescription {
  name: String!
  "image, points, signal or vector"
  kind: String!
  "Of one sample, batch dimension included."
  shape: [Int!]!
  "Axis numbers within the shape; null where there is none."
  channelAxis: Int
  heightAxis: Int
  widthAxis: Int
  "Null where samples are taken as they are."
  preprocessing: Preprocessing
  "Inputs that are fed and not explained."
  otherInputs: [OtherInput!]!
}
"x = (raw · scale − mean) / std, per channel."
type Preprocessing {
  scale: Float!
  mean: [Float!]!
  std: [Float!]!
  channelOrder: String!
  "Height and width that images are brought to; null where they are left alone."
  size: [Int!]
  "given, read from the file, or assumed: in words"
  source: String!
}
type OtherInput {
  name: String!
  shape: [Int!]!
  "What it was fed with, in words."
  fedWith: String
}
"Layers by name; null is the network's input (from) or output (to)."
type LayerEdge {
  from: String
  to: String
}
type ClassSummary {
  class: String!
  "Samples with this label."
  samples: Int!
  "Of these, predicted right."
  right: Int!
  "Samples predicted as this class, whatever their label."
  predicted: Int!
}

type Layer implements Node {
  id: ID!
  name: String!
  op: String!
  "Position in the network, from 0."
  index: Int!
  "Ops of all its nodes, in order."
  ops: [String!]!
  "Op of its activation function; null when it has none."
  activation: String
  "What it is as a map: linear, piecewise linear, smooth, normalisation or product. Null when unknown."
  interpretation: String
  inputShape: [Int!]!
  outputShape: [Int!]!
  parameterCount: Float!
  "Multiplications with addition; null where an op's cost is unknown."
  multiplyAdds: Float
  weightDirections: WeightDirections
  classHierarchy: ClassHierarchy
  layerFeatures: LayerFeatures
  "Mean over the samples, by part of the layer."
  representationalPower: [RepresentationalPower!]!
  "Share of neurons whose activity is not positive, mean over the samples."
  inactiveShare: Float
  inactiveShareSd: Float
  "Share of neurons that the input does not reach (a zero row in the map), mean over the samples."
  disconnectedShare: Float
  "The methods that do not cover this layer, and why."
  skippedBy: [SkippingMethod!]!
}
type SkippingMethod {
  method: String!
  reason: String!
}

type Sample implements Node {
  id: ID!
  name: String!
  "Position in the input, from 0."
  index: Int!
  label: String
  prediction: String
  confidence: Float
  correct: Boolean
  "Has its own pictures and page."
  detailed: Boolean!
  "decisionTrace.decisionLayer, in every list of samples."
  decisionLayer: Int
  "Mean of decisionTrace.variation over the layers: how unsure they are."
  meanVariation: Float
  image: Image
  "The numbers of a table's row, as the network reads them: of detailed samples, where there are 64 columns at most."
  features: [FeatureValue!]!
  "The leading outputs, descending."
  outputs: [OutputValue!]!
  "The output as a picture, for networks whose output has a layout."
  outputImage: Image
  "The inputs as the network got them."
  inputs: [SampleInput!]!
  decisionTrace: DecisionTrace
  "Pearson r of each layer's k features with its values, where they vary."
  layerReconstruction: [LayerValue!]!
  inputPatterns(layer: String, part: NeuronPart): [InputPatterns!]!
  outputContributions(split: String, output: String): [OutputContributions!]!
  inputOutputMap: InputOutputMap
  biasShares: [BiasShares!]!
  "The sample after one signed-gradient step, beside the clean one."
  adversarialStep: AdversarialStep
  pixelVotes: PixelVotes
  attributions: [Attribution!]!
  "Where this sample looks, to a layer, like another one."
  similarityOverlays: [SimilarityOverlay!]!
}
type FeatureValue {
  feature: String!
  value: Float!
}
type OutputValue {
  output: String!
  "The explained value: a logit where a softmax or sigmoid was taken off."
  value: Float!
  "After the activation that was taken off; null when none was."
  probability: Float
}
type SampleInput {
  name: String!
  shape: [Int!]!
  image: Image
  array: NumberArray
}

"One direction (singular vector pair) of a linear map."
type Direction {
  index: Int!
  singularValue: Float!
  "The input side as a picture, where the input has a layout."
  inputImage: Image
  outputImage: Image
  "Where the direction's group of equal singular values starts; equal to index when it stands alone."
  group: Int!
}

"What the numbers beside it are worth. Null: does not apply to this map."
type Certificate {
  "|A x + r - f(x)| relative"
  completeness: Float
  "(|A x| + |r|) / |f(x)|: how much larger the two parts are than their sum, which is how much more rounding counts."
  cancellation: Float
  "<A u, v> against <u, At v> relative"
  adjointness: Float
  "|A v - s u| / s1, by direction"
  residuals: [Float!]
  "How many directions met the tolerance."
  converged: Int
  "Products with the map that it took."
  applications: Int
  "What the parts give when put together again, against the whole, relative."
  reconstruction: Float
  "Share of the squared singular values that is left out when only some directions are computed."
  remainder: Float
  "How far two right computations of the singular values may lie apart, as a share of the largest one, where rounding is magnified on the way; null where it is not."
  noise: Float
}

type Image {
  "Relative to the site's root."
  url: String!
  width: Int!
  height: Int!
  alt: String!
  "The numbers behind the picture, a .npy file relative to the site's root."
  array: String
  "The magnitude that has the full colour, for a colour bar; null for photographs, or where it is the largest in the array."
  limit: Float
}
"Numbers in a .npy file (little-endian float32)."
type NumberArray {
  "Relative to the site's root."
  url: String!
  shape: [Int!]!
}

# ---- weights ----

type WeightDirections {
  "Of the weights as stored: outputs × inputs (per group) × positions."
  weightShape: [Int!]!
  "Of the matrix that is decomposed, per block."
  unfoldedShape: [Int!]!
  "Groups of a grouped convolution, each decomposed by itself; 1 otherwise."
  blocks: Int!
  "Of all blocks, descending."
  singularValues: [Float!]!
  "Share of Σs² in the leading values, cumulative: as long as singularValues."
  energy: [Float!]!
  "Singular values above max(m, n)·eps·s1."
  rank: Int!
  "In the order of singularValues."
  directions(first: Int = 10): [WeightDirection!]!
  "Why there are fewer synthesised inputs than directions."
  synthesisReason: String
  "A convolution's way from input to output through its directions, at one sample."
  steps: ConvolutionSteps
  "Σs² / s1²"
  stableRank: Float!
  "exp of the entropy of s / Σs"
  effectiveRank: Float!
  "Spectrum of the convolution as a map of images (circular boundary), descending: the leading values, or empty with the reason below."
  toeplitzSingularValues: [Float!]!
  toeplitzReason: String
  powerLaw: PowerLaw
  "Why there is no power law."
  powerLawReason: String
  "What the layer adds to the capacity metrics of the model: none where there is no fit."
  capacityTerms: [CapacityTerm!]!
  "Leading right singular vectors, one a row: what a comparison of two reports needs."
  inputVectors: NumberArray
  "Leading left singular vectors, one a row."
  outputVectors: NumberArray
  certificate: Certificate!
}
type WeightDirection {
  index: Int!
  singularValue: Float!
  "Where its group of equal singular values starts; equal to index when it stands alone."
  group: Int!
  "Group of the convolution that it belongs to, from 0."
  block: Int!
  filter: Image
  "Input that maximises its signal; where there is none, synthesisReason says why."
  synthesised: Image
  "Signal of the synthesised input."
  synthesisedSignal: Float
  exemplars: [SignalExemplar!]!
  "Signals of the samples of each class; of the twelve with the largest medians where there are more."
  signals: [SignalSpread!]!
}
type SignalSpread {
  class: String!
  samples: Int!
  "Least, lower quartile, median, upper quartile, largest."
  quantiles: [Float!]!
}
"""
One output of a convolution at one sample, taken apart: contributions u_oi · s_i · (v_iᵀ ⋆ X) of directions and the rest add
up to the output less its bias.
"""
type ConvolutionSteps {
  sample: Sample!
  "Output channel."
  output: Int!
  parts: [ConvolutionPart!]!
  "What all other directions contribute."
  rest: Image
  sum: Image!
  "The output after the activation function."
  activated: Image
}
type ConvolutionPart {
  direction: Int!
  "u_oi · s_i"
  weight: Float!
  "v_iᵀ ⋆ X"
  answer: Image!
  contribution: Image!
}
type SignalExemplar {
  sample: Sample!
  signal: Float!
  "Before the activation function."
  heatMap: Image
  "After the activation function."
  activatedHeatMap: Image
}
"Maximum-likelihood fit of the eigenvalues s² above xmin."
type PowerLaw {
  alpha: Float!
  xmin: Float!
  "Kolmogorov-Smirnov"
  distance: Float!
  standardError: Float!
  tailCount: Int!
  caution: String
}
type CapacityMetric {
  convention: AlphaConvention!
  value: Float!
}
type CapacityTerm {
  convention: AlphaConvention!
  "Fitted as the convention does."
  alpha: Float!
  "Largest eigenvalue as the convention scales it."
  largest: Float!
  "α times the logarithm of the largest eigenvalue."
  value: Float!
}
enum AlphaConvention {
  PAPER
  DDP
  WEIGHTWATCHER
}
type ClassHierarchy {
  "A signal is significant above this quantile of all signals of the layer …"
  quantile: Float!
  "… and for a class, when it is so in at least this share of its samples."
  majority: Float!
  "The signal at that quantile."
  threshold: Float!
  groups: [DirectionGroup!]!
  "From the more general group to the more specific one, by index into groups."
  edges: [[Int!]!]!
  "labels or predictions"
  classesFrom: String
  samples: Int
  "Leading directions whose signals count …"
  considered: Int
  "… of so many."
  total: Int
  "Why there are fewer synthesised inputs than groups."
  synthesisReason: String
  "The same at other thresholds."
  alternatives: [HierarchyVariant!]!
}
type HierarchyVariant {
  quantile: Float!
  majority: Float!
  threshold: Float!
  groups: [VariantGroup!]!
  edges: [[Int!]!]!
}
type VariantGroup {
  classes: [String!]!
  directions: [Int!]!
  "The sample of its classes with the largest mean signal."
  sample: Sample
}
type DirectionGroup {
  classes: [String!]!
  directions: [Int!]!
  synthesised: Image
  exemplars: [SignalExemplar!]!
}

# ---- layer features and decision traces ----

type LayerFeatures {
  k: Int!
  "given, elbow or memory: as many as --memory had room for"
  kSource: String
  "Size of the query set."
  samples: Int
  "Of the stacked transformations, descending: more than k where they are known."
  singularValues: [Float!]!
  "Of the transformations side by side (shared output directions), descending."
  outputSingularValues: [Float!]!
  "Why the shared output directions were not looked for."
  outputReason: String
  "With k shared output directions in place of k shared input ones."
  outputReconstruction: Score
  "Leading shared output directions, one a row."
  outputVectors: NumberArray
  reconstruction: Score!
  cosineFeatures: Score!
  pullbackFeatures: Score!
  features(first: Int = 10): [LayerFeature!]!
  embedding: [EmbeddedSample!]!
  "How the embedding was made, in words."
  embeddingMethod: String
  "k-means on the samples' projections, without labels."
  clusters: [Cluster!]!
  silhouette: Float
  "Leading right singular vectors, one a row."
  inputVectors: NumberArray
  certificate: Certificate!
}
type Score {
  pearson: Float!
  meanAbsoluteError: Float!
}
type LayerFeature {
  index: Int!
  singularValue: Float!
  mean: Image
  byClass: [ClassImage!]!
}
type ClassImage {
  class: String!
  image: Image!
}
type EmbeddedSample {
  sample: String!
  x: Float!
  y: Float!
  label: String
  correct: Boolean
  "Index into clusters."
  cluster: Int
}
type Cluster {
  index: Int!
  size: Int!
  "The label that most of its samples carry; null without labels."
  majority: String
  "Share of its samples that carry it."
  purity: Float
}
type DecisionTrace {
  "The layers that it passes: what the lists below are for."
  layers: [String!]!
  "Nearest class per layer, from the projections U."
  classes: [String!]!
  "The same from the full transformations T."
  fullClasses: [String!]!
  "Majority class of the sample's cluster, per layer; empty without labels."
  clusterClasses: [String!]!
  "First layer after which the trace no longer changes, from 1."
  decisionLayer: Int!
  "Distinct classes in the profile less one, per layer."
  variation: [Int!]!
  "Per layer the nearest class of each of its k directions alone; empty for samples without pages of their own."
  profiles: [[String!]!]!
  "labels or predictions: which samples a class's centroid is the mean of."
  centroidsFrom: String
}
type TraceSummary {
  layers: [String!]!
  correct: TraceGroup!
  wrong: TraceGroup!
  "How many samples go from which class to which, from each layer to the next and from the last one to the prediction; the widest thousand."
  flows: [TraceFlow!]!
}
type TraceFlow {
  "Position in \`layers\` that it starts from."
  layer: Int!
  from: String!
  to: String!
  count: Int!
  "Of these, predicted wrong."
  wrong: Int!
}
type TraceGroup {
  count: Int!
  "Share of samples whose trace has the right class, per layer."
  rightByLayer: [Float!]!
  fullRightByLayer: [Float!]!
  clusterRightByLayer: [Float!]!
  "Share of samples decided at that layer."
  decidedByLayer: [Float!]!
  variationMean: [Float!]!
  variationSd: [Float!]!
}

# ---- input patterns ----

enum NeuronPart {
  ALL
  ACTIVE
  INACTIVE
}
type InputPatterns {
  layer: String!
  part: NeuronPart!
  neurons: Int!
  "How many of the layer's neurons were read, evenly drawn, where it is too wide to be decomposed whole; null for all of them."
  drawn: Int
  "Neurons that the input does not reach."
  disconnected: Int!
  singularValues: [Float!]!
  "The smallest count of singular values whose share reaches gamma."
  representationalPower: Int!
  gamma: Float!
  "By singular value, descending."
  patterns(first: Int = 8): [Direction!]!
  "Patterns by their weight in one neuron; without a neuron, those of every neuron that was looked at, \`first\` of each."
  narrow(neuron: String, first: Int = 8): [NarrowPattern!]!
  "Input component decomposition of one neuron (the first one that was looked at, unless named): adds up to its activity."
  contribution(neuron: String): Image
  "The same for every neuron that was looked at."
  contributions: [NeuronImage!]!
  certificate: Certificate!
}
type NarrowPattern {
  neuron: String!
  index: Int!
  weight: Float!
  image: Image
}
type NeuronImage {
  neuron: String!
  "Its activity: what the picture adds up to."
  value: Float
  image: Image!
}
type RepresentationalPower {
  part: NeuronPart!
  gamma: Float!
  count: Float!
  share: Float!
  countSd: Float
  samples: Int
  "Neurons that were read, which the share is of."
  neurons: Int
}
"Rank correlation of a picture between the model and a changed one: low means that the picture depends on what was changed."
type SanityScore {
  picture: String!
  against: String!
  "Down to which layer weights were changed; null for all of them."
  layer: String
  spearmanMean: Float!
  spearmanSd: Float!
  samples: Int
}

# ---- output contributions ----

type OutputContributions {
  split: String!
  output: String!
  value: Float!
  "What the map adds to the components: constants, and whatever goes past the split."
  bias: Float!
  "The part of bias that the input adds past the split, by shortcuts; 0 where all of it goes through."
  bypass: Float
  "What the components that were not computed add."
  remainder: Float!
  "bias less bypass and the sum of biasByLayer: what nonlinear nodes add on their own, by curvature or saturation; zero with ReLU."
  curvature: Float
  "Components left after cancelling."
  uncancelled: Int
  "Of the map from the input to the split, descending: the computed ones."
  singularValues: [Float!]!
  components(first: Int = 20, orderBy: ComponentOrder = CONTRIBUTION): [OutputComponent!]!
  biasByLayer: [LayerValue!]!
  "Of an output that is a picture: what constants add to it, and what the input adds. On the first output of a split."
  biasImage: Image
  linearImage: Image
  "The output as a sum, readable."
  expression: String!
  latex: String!
  certificate: Certificate!
}
enum ComponentOrder {
  CONTRIBUTION
  SINGULAR_VALUE
}
type OutputComponent {
  index: Int!
  singularValue: Float!
  "Where its group of equal singular values starts; null where groups were not looked for."
  group: Int
  "What the input's coordinate along this direction is multiplied by."
  coefficient: Float!
  "The term that it adds to the output."
  contribution: Float!
  "What is left of it after positive and negative terms are cancelled; null when nothing is."
  reduced: Float
  "Its share of what is left."
  share: Float
  image: Image
  "Where in the input the term comes from: adds up to it."
  contraction: Image
  "The output side as a picture, where the output has a layout: times coefficient it is what the component adds."
  outputImage: Image
  "Of a row of a table, instead of pictures: the direction by feature, and what it adds to the term."
  features: [FeatureTerm!]!
}
type FeatureTerm {
  feature: String!
  direction: Float!
  contribution: Float!
}
type LayerValue {
  layer: String!
  value: Float!
}
"|φ(xi)·φ(xj)| of one component over samples: 1 is the same direction."
type ComponentSimilarity {
  split: String!
  component: Int!
  samples: [String!]!
  values: [[Float!]!]!
}
type DataDirections {
  samples: Int!
  singularValues: [Float!]!
  "Of the whole network's map: means over the samples looked at in detail."
  rightSingularValues: [Float!]!
  "Cosine of the angle between each data direction and the span of the right vectors: means over the same samples."
  cosines: [Float!]!
  directions(first: Int = 10): [Direction!]!
  certificate: Certificate!
}

# ---- input-output map ----

type InputOutputMap {
  "Outputs × inputs."
  shape: [Int!]!
  "The computed ones, descending."
  singularValues: [Float!]!
  directions(first: Int = 10): [Direction!]!
  "What the network gives at a zero input with everything else held fixed."
  residual: Image
  "Receptive filters: what one output pixel takes from the input."
  rows: [FieldPicture!]!
  "Projective filters: what one input pixel does to the output."
  columns: [FieldPicture!]!
  "The map's transpose of the output."
  transposed: Image
  "Share of the map's squared entries farther than farRadius from the diagonal."
  farEnergy: Float
  "In pixels."
  farRadius: Float
  farEnergyReason: String
  certificate: Certificate!
}
type FieldPicture {
  "Row and column of the pixel."
  at: [Int!]!
  "Why this pixel: centre, largest response, grid."
  reason: String
  image: Image!
}
type BiasShares {
  output: String!
  value: Float!
  input: Float!
  residual: Float!
  "|residual| / (|input| + |residual|)"
  residualShare: Float!
  byLayer: [LayerValue!]!
}
"Of the predicted output, over all samples."
type BiasSummary {
  samples: Int!
  residualShareMean: Float!
  residualShareSd: Float!
  "Samples by their share, from 0 to 1 in parts of equal width."
  residualShareCounts: [Int!]!
  byLayer: [LayerMoment!]!
  "Over the correctly classified samples; null without labels."
  correct: BiasGroup
  certificate: Certificate
}
type BiasGroup {
  samples: Int!
  residualShareMean: Float!
  residualShareSd: Float!
  "Samples by their share, from 0 to 1 in parts of equal width."
  residualShareCounts: [Int!]!
  byLayer: [LayerMoment!]!
}
type LayerMoment {
  layer: String!
  mean: Float!
  sd: Float!
}
type AdversarialStep {
  "In units of the network's input."
  epsilon: Float!
  prediction: String
  image: Image
  clean: BiasShares!
  perturbed: BiasShares!
}
"Not conserved: the discussions of a class need not add up to its score."
type PixelVotes {
  shares: [ClassShare!]!
  winner: String!
  "The sample where its pixels vote for the class."
  voters: [ClassImage!]!
  discussions: [ClassImage!]!
}
type ClassShare {
  class: String!
  share: Float!
}
type Attribution {
  method: String!
  output: String!
  image: Image!
  "|Σ picture - (f(x) - f(baseline))| relative; null for pictures that claim no sum."
  completeness: Float
  "Area under the curve when the picture's leading pixels are removed first (low is faithful) …"
  deletion: Float
  "… or shown first (high is faithful). Null where curves were not asked for."
  insertion: Float
  "The same in a random order."
  deletionRandom: Float
  insertionRandom: Float
  deletionCurve: [Float!]!
  insertionCurve: [Float!]!
}
type SimilarityOverlay {
  layer: String!
  other: Sample!
  "Row and column of the other sample's activation that is compared; null for its mean."
  at: [Int!]
  image: Image!
}

# ---- report as a whole ----

type Provenance {
  tool: String!
  version: String!
  backend: String!
  precision: String!
  seed: Int!
  command: String!
  samplesSha256: String!
  settingsSha256: String!
  "Samples that were analysed."
  sampleCount: Int!
  "Every setting that the results depend on, as text."
  settings: [Setting!]!
}
type Setting {
  name: String!
  value: String!
}
type Run {
  "ISO 8601"
  startedAt: String
  finishedAt: String
  seconds: Float
  host: String
  platform: String
  node: String
  warnings: [String!]!
}
enum Outcome {
  ANSWERED
  NOT_APPLICABLE
  FAILED
}
type MethodStatus {
  method: String!
  "The question it answers."
  question: String!
  "Raised whenever its numbers would change."
  version: Int!
  outcome: Outcome!
  reason: String
  layersSkipped: [SkippedLayer!]!
  "Layers or samples that it failed on, while the rest was answered."
  failures: [FailedUnit!]!
}
type SkippedLayer {
  layer: String!
  reason: String!
}
type FailedUnit {
  unit: String!
  reason: String!
}
enum Level {
  PASS
  WARN
  FAIL
}
type Finding {
  rule: String!
  level: Level!
  subject: String!
  value: Float
  limit: Float
  "Changes smaller than this are noise."
  floor: Float
  unit: String
  message: String!
}
enum Change {
  BETTER
  WORSE
  CHANGED
  UNCHANGED
  ADDED
  REMOVED
  INCOMPARABLE
}
type Comparison {
  base: Model!
  head: Model!
  differences(first: Int = 50, after: String, includeUnchanged: Boolean = false): DifferenceConnection!
  "What the recommended rules say of the differences."
  findings: [Finding!]!
  "Equal to the byte."
  identical: Boolean!
}
enum SubjectKind {
  MODEL
  CLASS
  LAYER
  SAMPLE
}
type Difference {
  kind: SubjectKind!
  "model, or the name of a class, layer or sample."
  subject: String!
  metric: String!
  change: Change!
  base: Float
  head: Float
  delta: Float
  "A smaller delta is no change."
  floor: Float
  reason: String
}
type Service {
  version: String!
  "The newest report format that it reads."
  schemaVersion: String!
  maxDepth: Int!
  maxCost: Int!
  maxTokens: Int!
  maxPageSize: Int!
  maxBodyBytes: Int!
  maxSeconds: Int!
}

"Ties keep the order of the input; what has no answer comes last."
enum SampleOrder {
  INPUT
  "Least confident first."
  CONFIDENCE
  "Largest mean variation of the decision trace first."
  UNCERTAINTY
  "Decided latest first."
  DECISION_LAYER
}
input SampleFilter {
  correct: Boolean
  label: String
  prediction: String
  decisionLayerAtLeast: Int
  detailed: Boolean
}
type PageInfo {
  hasNextPage: Boolean!
  endCursor: String
}
type ModelConnection {
  "A report that cannot be read is left out, and is named among the errors with its code and file."
  nodes: [Model!]!
  pageInfo: PageInfo!
  totalCount: Int!
}
type SampleConnection {
  nodes: [Sample!]!
  pageInfo: PageInfo!
  totalCount: Int!
}
type DifferenceConnection {
  nodes: [Difference!]!
  pageInfo: PageInfo!
  totalCount: Int!
}
`;
