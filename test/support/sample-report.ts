// A small report with every field filled: four layers, 130 samples of which 6 have their own pages, real little pictures
// and arrays, and names that a page must escape. Plausible to look at, computed from a seed, true of no network.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zlibSync } from 'fflate';
import type { BiasShares, Certificate, Direction, Image, InputPatterns, LayerRecord } from '../../reports/format.ts';
import type { ModelFields, NumberArray, OutputContributions, Report, RunRecord } from '../../reports/format.ts';
import type { SampleRecord, SignalExemplar, TraceGroup } from '../../reports/format.ts';
import { sha256 } from '../../reports/hash.ts';
import { roundNumber } from '../../reports/json.ts';
import { writeReport } from '../../reports/store.ts';

export const CLASSES = ['cat', 'dog', '<b>fox & "hen"</b>', 'Straßenbahn'];
const LAYERS = ['features/conv1', 'features/conv2', 'fc1', 'fc2'];
const [WIDTH, HEIGHT] = [8, 6];

interface SampleReport {
  readonly report: Report;
  /** Contents by path: `files/<hash>.png`, `files/<hash>.npy`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The report and its files; the same arguments give the same bytes. */
export function sampleReport({ samples = 130, detailed = 6, seed = 1 } = {}): SampleReport {
  const files = new Map<string, Uint8Array>();
  const random = generator(seed);
  const number = (low: number, high: number) => roundNumber(low + (high - low) * random());
  const numbers = (count: number, low: number, high: number) => Array.from({ length: count }, () => number(low, high));
  const falling = (count: number, first: number, ratio: number) =>
    Array.from({ length: count }, (_, i) => roundNumber(first * ratio ** i));

  function keep(bytes: Uint8Array, extension: 'png' | 'npy'): string {
    const path = `files/${sha256(bytes).slice(0, 24)}.${extension}`;
    files.set(path, bytes);
    return path;
  }
  /** Real reports repeat no picture; two dozen are enough to look at, and quick to write. */
  const pictures = Array.from({ length: 24 }, () => {
    const [fx, fy, phase] = [number(0.3, 1.5), number(0.3, 1.5), number(0, 6)];
    const values = Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
      Math.sin(fx * (i % WIDTH) + fy * Math.floor(i / WIDTH) + phase),
    );
    return { url: keep(png(values, WIDTH, HEIGHT), 'png'), array: keep(npy(values, [HEIGHT, WIDTH]), 'npy') };
  });
  function image(alt: string): Image {
    const picture = pictures[Math.floor(random() * pictures.length)]!;
    return { ...picture, width: WIDTH, height: HEIGHT, alt, limit: 1 };
  }
  function array(rows: number, columns: number): NumberArray {
    return {
      url: keep(npy(Float32Array.from(numbers(rows * columns, -1, 1)), [rows, columns]), 'npy'),
      shape: [rows, columns],
    };
  }
  function certificate(): Certificate {
    return {
      completeness: number(1e-8, 1e-6),
      cancellation: 25,
      adjointness: number(1e-8, 1e-6),
      residuals: numbers(4, 1e-8, 1e-6),
      converged: 4,
      applications: 24,
      reconstruction: number(1e-8, 1e-6),
      remainder: number(0, 0.2),
      noise: 1e-6,
    };
  }
  function directions(count: number, what: string): Direction[] {
    return falling(count, 3.2, 0.7).map((singularValue, index) => ({
      index,
      singularValue,
      inputImage: image(`${what} ${index}, input side`),
      outputImage: image(`${what} ${index}, output side`),
      group: index,
    }));
  }
  const nameOf = (index: number) =>
    index === 3 ? '<img src=x onerror=alert(1)>.png' : `${CLASSES[index % 4]}/${index}.png`;
  function exemplars(what: string): SignalExemplar[] {
    return [0, Math.min(3, samples - 1)].map((index) => ({
      sample: { index, name: nameOf(index) },
      signal: number(0.5, 4),
      heatMap: image(`Signal of ${what} in ${nameOf(index)}`),
      activatedHeatMap: image(`Signal of ${what} in ${nameOf(index)}, after the activation function`),
    }));
  }
  const classImages = (what: string) => CLASSES.map((name) => ({ class: name, image: image(`${what}, ${name}`) }));
  function biasShares(output: string): BiasShares {
    const [input, residual] = [number(1, 9), number(-3, 3)];
    return {
      output,
      value: roundNumber(input + residual),
      input,
      residual,
      residualShare: roundNumber(Math.abs(residual) / (Math.abs(input) + Math.abs(residual))),
      byLayer: LAYERS.map((layer) => ({ layer, value: number(-1, 1) })),
    };
  }
  const biasGroup = (count: number) => ({
    samples: count,
    residualShareMean: number(0.2, 0.4),
    residualShareSd: number(0.01, 0.1),
    residualShareCounts: Array.from({ length: 20 }, (_, i) => (i === 5 ? count : 0)),
    byLayer: LAYERS.map((layer) => ({ layer, mean: number(-1, 1), sd: number(0, 0.5) })),
  });
  function inputPatterns(layer: string, part: InputPatterns['part']): InputPatterns {
    return {
      layer,
      part,
      neurons: 16,
      drawn: 16,
      disconnected: 1,
      singularValues: falling(12, 5, 0.8),
      representationalPower: 7,
      gamma: 0.9,
      patterns: directions(3, `Input pattern of ${layer}`),
      narrow: ['0', '7'].flatMap((neuron) =>
        [2, 0, 1].map((index) => ({
          neuron,
          index,
          weight: number(0.1, 3),
          image: image(`Pattern ${index} in neuron ${neuron}`),
        })),
      ),
      contributions: ['0', '7'].map((neuron) => ({
        neuron,
        value: number(-1, 4),
        image: image(`Contribution to neuron ${neuron}`),
      })),
      certificate: certificate(),
    };
  }
  function outputContributions(split: string, output: string): OutputContributions {
    const components = falling(24, 4, 0.85).map((singularValue, index) => {
      const coefficient = number(-2, 2);
      return {
        index,
        singularValue,
        group: index,
        coefficient,
        contribution: number(-3, 3),
        reduced: number(0, 2),
        share: number(0, 0.2),
        image: image(`Component ${index} of ${output}`),
        contraction: image(`Where component ${index} of ${output} comes from`),
        outputImage: image(`Component ${index} of ${output}, output side`),
        features: ['width', 'height'].map((feature) => ({
          feature,
          direction: number(-1, 1),
          contribution: number(-1, 1),
        })),
      };
    });
    const bias = number(-1, 1);
    return {
      split,
      output,
      value: number(1, 9),
      bias,
      bypass: number(-0.1, 0.1),
      remainder: number(-0.1, 0.1),
      curvature: number(-0.01, 0.01),
      uncancelled: 12,
      singularValues: components.map(({ singularValue }) => singularValue),
      components,
      biasByLayer: LAYERS.map((layer) => ({ layer, value: number(-1, 1) })),
      biasImage: image('What constants add'),
      linearImage: image('What the input adds'),
      expression: `y[${output}] = 3.1·φ0 − 0.4·φ2 + rest 0.2 + bias ${bias}`,
      latex: `y = 3.1\\,\\varphi_0 - 0.4\\,\\varphi_2 + 0.2 + ${bias}`,
      certificate: certificate(),
    };
  }

  const layers = LAYERS.map((name, index): LayerRecord => {
    const convolution = index < 2;
    const singularValues = falling(convolution ? 8 : 16, 3, 0.8);
    const total = singularValues.reduce((sum, s) => sum + s * s, 0);
    let sum = 0;
    return {
      name,
      op: convolution ? 'conv' : 'dense',
      index,
      ops: convolution ? ['conv', 'relu', 'max-pool'] : index === 2 ? ['dense', 'relu'] : ['dense'],
      activation: 'relu',
      interpretation: 'piecewise linear',
      inputShape: convolution ? [index === 0 ? 3 : 8, HEIGHT, WIDTH] : [16],
      outputShape: convolution ? [8, HEIGHT, WIDTH] : [index === 2 ? 16 : CLASSES.length],
      parameterCount: 224 * (index + 1),
      multiplyAdds: 10_000 * (index + 1),
      representationalPower: (['ALL', 'ACTIVE', 'INACTIVE'] as const).map((part) => ({
        part,
        gamma: 0.9,
        count: number(4, 12),
        share: number(0.3, 0.9),
        countSd: number(0, 2),
        samples,
        neurons: 16,
      })),
      inactiveShare: number(0.3, 0.8),
      inactiveShareSd: number(0, 0.1),
      disconnectedShare: number(0, 0.1),
      weightDirections: {
        weightShape: convolution ? [8, 3, 3, 3] : [16, 16],
        unfoldedShape: convolution ? [8, 27] : [16, 16],
        blocks: 1,
        singularValues,
        energy: singularValues.map((s) => roundNumber((sum += s * s) / total)),
        rank: singularValues.length,
        stableRank: roundNumber(total / singularValues[0]! ** 2),
        effectiveRank: number(3, 8),
        toeplitzSingularValues: falling(20, 3.5, 0.9),
        toeplitzReason: 'the leading 20 of 384',
        powerLaw: {
          alpha: number(2, 5),
          xmin: 0.4,
          distance: number(0.02, 0.2),
          standardError: 0.4,
          tailCount: 12,
          caution: 'fewer than 50 eigenvalues',
        },
        powerLawReason: 'given although there are few eigenvalues',
        directions: singularValues.map((singularValue, i) => ({
          index: i,
          singularValue,
          group: i,
          block: 0,
          filter: image(`Filter ${i} of ${name}`),
          synthesised: image(`Input that maximises direction ${i} of ${name}`),
          synthesisedSignal: number(2, 4),
          exemplars: exemplars(`direction ${i}`),
          signals: CLASSES.map((c) => ({ class: c, samples: 4, quantiles: numbers(5, -1, 2).sort((a, b) => a - b) })),
        })),
        synthesisReason: 'for 4 of 8, as --synthesised and --synthesis-work allow',
        steps: {
          sample: { index: 0, name: nameOf(0) },
          output: 1,
          parts: [0, 2].map((direction) => ({
            direction,
            weight: number(-1, 1),
            answer: image(`Answer of direction ${direction}`),
            contribution: image(`Contribution of direction ${direction}`),
          })),
          rest: image('Contribution of all other directions'),
          sum: image('Output 1'),
          activated: image('Output 1 after the activation function'),
        },
        capacityTerms: (['PAPER', 'DDP', 'WEIGHTWATCHER'] as const).map((convention) => ({
          convention,
          alpha: number(2, 5),
          largest: number(5, 10),
          value: number(1, 8),
        })),
        inputVectors: array(4, convolution ? 27 : 16),
        outputVectors: array(4, convolution ? 8 : 16),
        certificate: certificate(),
      },
      classHierarchy: {
        quantile: 0.85,
        majority: 0.75,
        threshold: number(0.5, 1),
        groups: [
          {
            classes: CLASSES,
            directions: [0],
            synthesised: image('What group 0 looks for'),
            exemplars: exemplars('group 0'),
          },
          {
            classes: CLASSES.slice(0, 2),
            directions: [1, 2],
            synthesised: image('What group 1 looks for'),
            exemplars: exemplars('group 1'),
          },
          {
            classes: CLASSES.slice(1, 2),
            directions: [3],
            synthesised: image('What group 2 looks for'),
            exemplars: exemplars('group 2'),
          },
        ],
        edges: [
          [0, 1],
          [1, 2],
        ],
        classesFrom: 'labels',
        samples,
        considered: 8,
        total: 8,
        synthesisReason: 'for 2 of 3, as --synthesised and --synthesis-work allow',
        alternatives: [
          {
            quantile: 0.9,
            majority: 0.5,
            threshold: number(1, 2),
            groups: [
              { classes: CLASSES.slice(2), directions: [0, 3], sample: { index: 0, name: nameOf(0) } },
              { classes: CLASSES.slice(3), directions: [2], sample: { index: 0, name: nameOf(0) } },
            ],
            edges: [[0, 1]],
          },
        ],
      },
      layerFeatures: {
        k: 4,
        kSource: 'elbow',
        samples,
        singularValues: falling(12, 40, 0.75),
        outputSingularValues: falling(12, 38, 0.75),
        outputReason: 'the leading ones',
        outputReconstruction: { pearson: 0.875, meanAbsoluteError: 0.0625 },
        outputVectors: array(4, 16),
        reconstruction: { pearson: number(0.8, 1), meanAbsoluteError: number(0, 0.1) },
        cosineFeatures: { pearson: number(0.8, 1), meanAbsoluteError: number(0, 0.1) },
        pullbackFeatures: { pearson: number(0.8, 1), meanAbsoluteError: number(0, 0.1) },
        features: falling(4, 40, 0.75).map((singularValue, i) => ({
          index: i,
          singularValue,
          mean: image(`Feature ${i} of ${name}, mean over the samples`),
          byClass: classImages(`Feature ${i} of ${name}`),
        })),
        embedding: Array.from({ length: samples }, (_, i) => ({
          sample: nameOf(i),
          x: roundNumber(4 * Math.cos(1.6 * (i % 4)) + number(-1, 1)),
          y: roundNumber(4 * Math.sin(1.6 * (i % 4)) + number(-1, 1)),
          label: CLASSES[i % 4]!,
          correct: i % 7 !== 0,
          cluster: i % 4,
        })),
        embeddingMethod: 't-SNE, perplexity 30',
        clusters: CLASSES.map((majority, i) => ({ index: i, size: 32, majority, purity: number(0.8, 1) })),
        silhouette: number(0.3, 0.6),
        inputVectors: array(4, 16),
        certificate: certificate(),
      },
    };
  });

  const records = Array.from({ length: samples }, (_, index): SampleRecord => {
    const label = CLASSES[index % 4]!;
    const correct = index % 7 !== 0;
    const prediction = correct ? label : CLASSES[(index + 1) % 4]!;
    const decisionLayer = 1 + (index % LAYERS.length);
    const classes = LAYERS.map((_, l) => (l + 1 < decisionLayer ? CLASSES[(index + 2) % 4]! : prediction));
    const own = {
      index,
      name: nameOf(index),
      label,
      prediction,
      confidence: number(0.4, 1),
      correct,
      decisionLayer,
      meanVariation: (index % 5) / 4,
    };
    const everySample = {
      decisionTrace: {
        layers: LAYERS,
        classes,
        fullClasses: classes,
        clusterClasses: classes,
        decisionLayer,
        variation: LAYERS.map((_, l) => (index + l) % 4),
        profiles: LAYERS.map((_, l) => CLASSES.map((c, i) => (i <= (index + l) % 4 ? c : CLASSES[0]!))),
        centroidsFrom: 'labels',
      },
      layerReconstruction: LAYERS.map((layer, l) => ({ layer, value: (10 + l) / 16 })),
      biasShares: [biasShares(prediction)],
    };
    if (index >= detailed) return { ...own, detailed: false, ...everySample };
    return {
      ...own,
      ...everySample,
      detailed: true,
      image: image(`Sample ${nameOf(index)}`),
      features: ['length', 'width'].map((feature) => ({ feature, value: number(0, 1) })),
      outputs: CLASSES.map((output) => ({ output, value: number(-4, 9), probability: number(0, 1) })),
      outputImage: image(`What the network makes of ${nameOf(index)}`),
      inputs: [
        {
          name: 'input',
          shape: [1, 3, HEIGHT, WIDTH],
          image: image('Input as the network gets it'),
          array: array(HEIGHT, WIDTH),
        },
      ],
      inputPatterns: LAYERS.flatMap((layer) =>
        (['ALL', 'ACTIVE', 'INACTIVE'] as const).map((part) => inputPatterns(layer, part)),
      ),
      outputContributions: LAYERS.slice(0, 2).flatMap((split) =>
        CLASSES.slice(0, 2).map((output) => outputContributions(split, output)),
      ),
      inputOutputMap: {
        shape: [CLASSES.length, 3 * HEIGHT * WIDTH],
        singularValues: falling(4, 9, 0.6),
        directions: directions(4, 'Direction'),
        residual: image('Residual'),
        rows: [
          { at: [3, 4], reason: 'centre', image: image('Row of the centre') },
          { at: [0, 0], reason: 'grid', image: image('Row of the corner') },
        ],
        columns: [{ at: [1, 2], reason: 'largest response', image: image('Column of the largest response') }],
        transposed: image('Transpose of the output'),
        farEnergy: number(0, 0.2),
        farRadius: 2,
        farEnergyReason: 'output and input share their layout',
        certificate: certificate(),
      },
      adversarialStep: {
        epsilon: 0.01,
        prediction: CLASSES[0]!,
        image: image('After the step'),
        clean: biasShares(prediction),
        perturbed: biasShares(prediction),
      },
      pixelVotes: {
        shares: CLASSES.map((name) => ({ class: name, share: number(0, 0.5) })),
        winner: prediction,
        voters: classImages('Voters'),
        discussions: classImages('Discussion'),
      },
      attributions: ['gradient', 'lrp-epsilon', '<script>alert(2)</script>'].map((method) => ({
        method,
        output: prediction,
        image: image(`${method} of ${prediction}`),
        completeness: number(0, 1),
        deletion: number(0.1, 0.4),
        insertion: number(0.4, 0.9),
        deletionRandom: number(0.3, 0.5),
        insertionRandom: number(0.3, 0.5),
        deletionCurve: falling(11, 0.9, 0.7),
        insertionCurve: falling(11, 0.9, 0.8).reverse(),
      })),
      similarityOverlays: LAYERS.slice(0, 2).map((layer) => ({
        layer,
        other: { index: samples > 1 ? 1 : 0, name: nameOf(samples > 1 ? 1 : 0) },
        at: [1, 2],
        image: image(`Like ${nameOf(1)}, to ${layer}`),
      })),
    };
  });

  const traceGroup = (correct: boolean): TraceGroup => ({
    count: records.filter((record) => record.correct === correct).length,
    rightByLayer: falling(4, correct ? 0.6 : 0.2, 1.1),
    fullRightByLayer: falling(4, correct ? 0.65 : 0.2, 1.1),
    clusterRightByLayer: falling(4, correct ? 0.5 : 0.2, 1.1),
    decidedByLayer: [0.4, 0.3, 0.2, 0.1],
    variationMean: numbers(4, 0, correct ? 1 : 4),
    variationSd: numbers(4, 0, 1),
  });
  const right = records.filter(({ correct }) => correct).length;

  const model: ModelFields = {
    name: 'sample-network <i>&amp;</i>',
    format: 'onnx',
    sha256: sha256(`network ${seed}`),
    parameterCount: 2240,
    multiplyAdds: 100_000,
    inputShape: [3, HEIGHT, WIDTH],
    outputShape: [CLASSES.length],
    input: {
      name: 'input',
      kind: 'image',
      shape: [1, 3, HEIGHT, WIDTH],
      channelAxis: 1,
      heightAxis: 2,
      widthAxis: 3,
      preprocessing: {
        scale: 1 / 256,
        mean: [0.5, 0.5, 0.5],
        std: [0.25, 0.25, 0.25],
        channelOrder: 'rgb',
        size: [HEIGHT, WIDTH],
        source: 'assumed',
      },
      otherInputs: [{ name: 'style', shape: [1, 4], fedWith: 'zeros' }],
    },
    otherOutputs: ['aux'],
    stripped: 'softmax',
    notes: ['The last softmax was taken off: logits are explained.'],
    layerGraph: [
      { from: null, to: LAYERS[0]! },
      ...LAYERS.slice(1).map((to, i) => ({ from: LAYERS[i]!, to })),
      { from: LAYERS[0]!, to: LAYERS[2]! },
      { from: LAYERS.at(-1)!, to: null },
    ],
    classNames: CLASSES,
    classSummaries: CLASSES.map((name) => ({
      class: name,
      samples: records.filter(({ label }) => label === name).length,
      right: records.filter(({ label, correct }) => label === name && correct).length,
      predicted: records.filter(({ prediction }) => prediction === name).length,
    })),
    accuracy: roundNumber(right / samples),
    provenance: {
      tool: 'eigenlens',
      version: '0.1.0',
      backend: 'cpu',
      precision: 'float32',
      seed,
      command: 'eigenlens analyze sample.onnx --samples samples',
      samplesSha256: sha256('samples'),
      settingsSha256: sha256('settings'),
      sampleCount: samples,
      settings: [
        { name: 'count', value: '10' },
        { name: 'quantile', value: '0.85' },
      ],
    },
    methods: [
      {
        method: 'weight-directions',
        question: 'What does a layer look for?',
        version: 1,
        outcome: 'ANSWERED',
        reason: 'one layer skipped',
        layersSkipped: [{ layer: LAYERS[3]!, reason: 'only 4 outputs' }],
        failures: [{ unit: LAYERS[1]!, reason: 'did not converge' }],
      },
      {
        method: 'pixel-votes',
        question: 'Which pixels vote for which class?',
        version: 2,
        outcome: 'NOT_APPLICABLE',
        reason: 'no image',
      },
      {
        method: 'sanity',
        question: 'Does the picture depend on the network?',
        version: 1,
        outcome: 'FAILED',
        reason: 'out of memory',
      },
    ],
    findings: [
      {
        rule: 'completeness',
        level: 'PASS',
        subject: LAYERS[0]!,
        value: 1e-7,
        limit: 1e-4,
        floor: 1e-7,
        unit: 'relative',
        message: 'Maps are exact.',
      },
      {
        rule: 'accuracy',
        level: 'FAIL',
        subject: 'model',
        value: roundNumber(right / samples),
        limit: 0.9,
        floor: 0.01,
        unit: 'share',
        message: 'Fewer samples than asked for are right.',
      },
      {
        rule: 'spectrum-alpha',
        level: 'WARN',
        subject: LAYERS[1]!,
        value: 6.2,
        limit: 6,
        floor: 0.1,
        unit: 'alpha',
        message: 'The layer looks under-trained.',
      },
    ],
    traceSummary: {
      layers: LAYERS,
      correct: traceGroup(true),
      wrong: traceGroup(false),
      flows: LAYERS.flatMap((_, layer) =>
        CLASSES.map((from, i) => ({
          layer,
          from,
          to: CLASSES[(i + layer) % 2 === 0 ? i : 0]!,
          count: 8 + i,
          wrong: i,
        })),
      ),
    },
    biasSummary: { ...biasGroup(samples), correct: biasGroup(right), certificate: certificate() },
    capacity: [
      { convention: 'PAPER', value: 12.5 },
      { convention: 'DDP', value: 2.25 },
      { convention: 'WEIGHTWATCHER', value: 3.75 },
    ],
    sanity: ['gradient', 'input patterns'].map((picture) => ({
      picture,
      against: 'weights drawn anew',
      layer: LAYERS[2]!,
      spearmanMean: number(0, 0.3),
      spearmanSd: number(0, 0.1),
      samples,
    })),
    componentSimilarities: [
      {
        split: LAYERS[1]!,
        component: 0,
        samples: [nameOf(0), nameOf(1)],
        values: [
          [1, 0.25],
          [0.25, 1],
        ],
      },
    ],
    dataDirections: {
      samples,
      singularValues: falling(8, 30, 0.6),
      rightSingularValues: falling(8, 3, 0.5),
      cosines: falling(3, 0.95, 0.8),
      directions: directions(3, 'Direction of the samples'),
      certificate: certificate(),
    },
  };
  return {
    report: { formatVersion: 1, model, layers, samples: records },
    files,
  };
}

export const SAMPLE_RUN: RunRecord = {
  startedAt: '2026-11-21T08:00:00.000Z',
  finishedAt: '2026-11-21T08:01:30.000Z',
  seconds: 90,
  host: 'somewhere',
  platform: 'linux x64',
  node: 'v22.23.3',
  warnings: ['Preprocessing was assumed.'],
};

/** Writes the sample report, pictures and all, to `<folder>/<id>/`. */
export async function writeSampleReport(
  folder: string,
  id = 'sample',
  { report, files }: SampleReport = sampleReport(),
): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'sample-report-'));
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), bytes);
    }
    return await writeReport(folder, id, report, { files: work, run: SAMPLE_RUN });
  } finally {
    await rm(work, { recursive: true });
  }
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Blue below zero, white at zero, red above. */
function png(values: Float32Array, width: number, height: number): Uint8Array {
  const rows = new Uint8Array(height * (1 + 3 * width));
  values.forEach((value, i) => {
    const at = Math.floor(i / width) * (1 + 3 * width) + 1 + 3 * (i % width);
    const fade = Math.round(255 * (1 - Math.min(1, Math.abs(value))));
    rows.set(value >= 0 ? [255, fade, fade] : [fade, fade, 255], at);
  });
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, 2], 8);
  const chunks = [chunk('IHDR', header), chunk('IDAT', zlibSync(rows, { level: 9 })), chunk('IEND', new Uint8Array())];
  return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...chunks.flatMap((c) => [...c])]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  let crc = -1;
  for (const byte of bytes.subarray(4, 8 + data.length)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(8 + data.length, ~crc >>> 0);
  return bytes;
}

function npy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Uint8Array.from([
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
  ]);
  return Uint8Array.from([...start, ...new TextEncoder().encode(padded), ...new Uint8Array(values.buffer)]);
}
