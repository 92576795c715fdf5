// Every GraphQL document of the site, so that one test can hold them all against the schema.
// A method's section asks for its own field: one entry in LAYER_FIELDS, SAMPLE_FIELDS or MODEL_FIELDS per method.

const IMAGE = 'url width height alt array limit';
const CERTIFICATE =
  'certificate { completeness cancellation adjointness residuals converged applications reconstruction remainder }';
const DIRECTION = `index singularValue group inputImage { ${IMAGE} } outputImage { ${IMAGE} }`;
/** A sample that a layer's answer mentions. */
const MENTION = `index name label detailed image { ${IMAGE} }`;
const BIAS_SHARES = 'output value input residual residualShare byLayer { layer value }';

/** What each method's section on a layer's page asks for, by method id. */
export const LAYER_FIELDS: Readonly<Record<string, string>> = {
  'weight-directions': `weightDirections {
    weightShape unfoldedShape blocks singularValues energy rank stableRank effectiveRank
    toeplitzSingularValues toeplitzReason
    powerLaw { alpha xmin distance standardError tailCount caution } powerLawReason
    capacityTerms { convention alpha largest value }
    directions(first: 12) {
      index singularValue group block filter { ${IMAGE} } synthesised { ${IMAGE} } synthesisedSignal
      exemplars { sample { ${MENTION} } signal heatMap { ${IMAGE} } activatedHeatMap { ${IMAGE} } }
      signals { class samples quantiles }
    }
    synthesisReason
    steps { sample { ${MENTION} } output
      parts { direction weight answer { ${IMAGE} } contribution { ${IMAGE} } }
      rest { ${IMAGE} } sum { ${IMAGE} } activated { ${IMAGE} } }
    ${CERTIFICATE}
  }`,
  'class-hierarchy': `classHierarchy {
    quantile majority threshold edges classesFrom samples considered total synthesisReason
    groups { classes directions synthesised { ${IMAGE} }
      exemplars { sample { ${MENTION} } signal heatMap { ${IMAGE} } } }
    alternatives { quantile majority threshold edges groups { classes directions sample { ${MENTION} } } }
  }`,
  'layer-features': `layerFeatures {
    k kSource samples singularValues outputSingularValues outputReason
    reconstruction { pearson meanAbsoluteError } cosineFeatures { pearson meanAbsoluteError }
    pullbackFeatures { pearson meanAbsoluteError } outputReconstruction { pearson meanAbsoluteError }
    features(first: 10) { index singularValue mean { ${IMAGE} } byClass { class image { ${IMAGE} } } }
    embedding { sample x y label correct cluster } embeddingMethod clusters { index size majority purity } silhouette
    ${CERTIFICATE}
  }`,
};

/** What each method's section on a sample's page asks for, by method id. */
export const SAMPLE_FIELDS: Readonly<Record<string, string>> = {
  'input-output-map': `inputOutputMap {
    shape singularValues directions(first: 12) { ${DIRECTION} }
    residual { ${IMAGE} } rows { at reason image { ${IMAGE} } } columns { at reason image { ${IMAGE} } }
    transposed { ${IMAGE} } farEnergy farRadius farEnergyReason
    ${CERTIFICATE}
  }`,
  'input-patterns': `inputPatterns {
    layer part neurons drawn disconnected singularValues representationalPower gamma
    patterns(first: 8) { index singularValue inputImage { ${IMAGE} } }
    narrow(first: 6) { neuron index weight image { ${IMAGE} } } contributions { neuron value image { ${IMAGE} } }
    ${CERTIFICATE}
  }`,
  attributions: `attributions { method output image { ${IMAGE} } completeness deletion insertion deletionRandom insertionRandom
    deletionCurve insertionCurve }`,
  'similarity-overlays': `similarityOverlays { layer at other { index name label detailed image { ${IMAGE} } } image { ${IMAGE} } }`,
  'pixel-votes': `pixelVotes { shares { class share } winner
    voters { class image { ${IMAGE} } } discussions { class image { ${IMAGE} } } }`,
  'output-contributions': `outputContributions {
    split output value bias bypass remainder curvature uncancelled singularValues expression latex
    biasByLayer { layer value } biasImage { ${IMAGE} } linearImage { ${IMAGE} }
    components(first: 24) { index singularValue coefficient contribution reduced share
      image { ${IMAGE} } contraction { ${IMAGE} } outputImage { ${IMAGE} } features { feature direction contribution } }
    ${CERTIFICATE}
  }`,
  'bias-shares': `biasShares { ${BIAS_SHARES} }`,
  'decision-traces': `decisionTrace { layers classes fullClasses clusterClasses decisionLayer variation profiles centroidsFrom }
    layerReconstruction { layer value }`,
  'adversarial-step': `adversarialStep { epsilon prediction image { ${IMAGE} } clean { ${BIAS_SHARES} } perturbed { ${BIAS_SHARES} } }`,
};

/** What each method's section on a model's overview asks for, by method id. */
export const MODEL_FIELDS: Readonly<Record<string, string>> = {
  'decision-traces': `traceSummary { layers
    correct { count rightByLayer decidedByLayer variationMean variationSd }
    wrong { count rightByLayer decidedByLayer variationMean variationSd }
    flows { layer from to count wrong } }`,
  'bias-shares': `biasSummary { samples residualShareMean residualShareSd residualShareCounts byLayer { layer mean sd }
    correct { samples residualShareMean residualShareSd residualShareCounts } ${CERTIFICATE} }`,
  'output-contributions': 'componentSimilarities { split component samples values }',
  'data-directions': `dataDirections { samples singularValues rightSingularValues cosines
    directions(first: 6) { ${DIRECTION} } ${CERTIFICATE} }`,
  'power-law': 'capacity { convention value }',
  sanity: 'sanity { picture against layer spearmanMean spearmanSd samples }',
};

const SAMPLE_HEAD = `index name label prediction confidence correct detailed decisionLayer meanVariation image { ${IMAGE} }`;

/** Ids of the reports, in pages of 100. */
export const MODEL_IDS = `query ModelIds($after: String) {
  models(first: 100, after: $after) { nodes { report } pageInfo { hasNextPage endCursor } }
}`;

/** All that pages share about one model: facts, findings, summaries, and a line per layer. */
export const MODEL = `query Model($id: ID!) {
  model(id: $id) {
    report digest name format sha256 parameterCount multiplyAdds inputShape outputShape classNames accuracy stripped notes otherOutputs
    input { name kind shape channelAxis heightAxis widthAxis preprocessing { source channelOrder scale mean std size } otherInputs { name shape fedWith } }
    layerGraph { from to }
    classSummaries { class samples right predicted }
    provenance { tool version backend precision seed command samplesSha256 settingsSha256 sampleCount settings { name value } }
    methods { method question version outcome reason layersSkipped { layer reason } failures { unit reason } }
    findings { rule level subject value limit floor unit message }
    layers {
      index name op ops activation interpretation inputShape outputShape parameterCount multiplyAdds
      inactiveShare inactiveShareSd disconnectedShare
      representationalPower { part gamma count share countSd samples }
      weightDirections { singularValues energy rank stableRank effectiveRank unfoldedShape powerLaw { alpha standardError tailCount caution } powerLawReason capacityTerms { convention alpha value }
        directions(first: 6) { filter { ${IMAGE} } } ${CERTIFICATE} }
    }
    ${Object.values(MODEL_FIELDS).join('\n    ')}
  }
}`;

/** One layer with the answers of every method. */
export const LAYER = `query Layer($id: ID!, $layer: String!) {
  model(id: $id) {
    layer(name: $layer) { index name ${Object.values(LAYER_FIELDS).join('\n      ')} }
  }
}`;

/** A line per sample, in pages of 100. */
export const SAMPLES = `query Samples($id: ID!, $after: String) {
  model(id: $id) {
    samples(first: 100, after: $after) { nodes { ${SAMPLE_HEAD} } pageInfo { hasNextPage endCursor } totalCount }
  }
}`;

/** Samples that were hard to decide, with their traces: wrong ones by a filter, the most uncertain first. */
export const HARD_SAMPLES = `query HardSamples($id: ID!, $first: Int!, $filter: SampleFilter) {
  model(id: $id) {
    samples(first: $first, filter: $filter, orderBy: UNCERTAINTY) { nodes { ${SAMPLE_HEAD} decisionTrace { classes } } totalCount }
  }
}`;

/** One sample with the answers of every method. */
export const SAMPLE = `query Sample($id: ID!, $sample: String!) {
  model(id: $id) {
    sample(name: $sample) {
      ${SAMPLE_HEAD} features { feature value } outputs { output value probability } outputImage { ${IMAGE} }
      inputs { name shape image { ${IMAGE} } array { url shape } }
      ${Object.values(SAMPLE_FIELDS).join('\n      ')}
    }
  }
}`;

/** Two reports side by side, a page of differences at a time. */
export const COMPARISON = `query Comparison($base: ID!, $head: ID!, $after: String) {
  compare(base: $base, head: $head) {
    identical
    findings { rule level subject value limit floor unit message }
    differences(first: 100, after: $after) {
      nodes { kind subject metric change base head delta floor reason }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
}`;

/** Pictures that two reports can have in common. */
export const LAYER_PICTURES = `query LayerPictures($id: ID!, $layer: String!) {
  model(id: $id) { layer(name: $layer) { weightDirections {
    directions(first: 12) { index group singularValue filter { ${IMAGE} } }
  } } }
}`;
export const SAMPLE_PICTURES = `query SamplePictures($id: ID!, $sample: String!) {
  model(id: $id) { sample(name: $sample) {
    pixelVotes { discussions { class image { ${IMAGE} } } }
    outputContributions {
      split output linearImage { ${IMAGE} } biasImage { ${IMAGE} }
      components { contribution image { ${IMAGE} } contraction { ${IMAGE} } outputImage { ${IMAGE} } }
    }
  } }
}`;
