// Every method, in the order in which a report is read; one line each.
import { adversarialStep } from './adversarial-step.ts';
import { attributions } from './attributions.ts';
import { biasSharesMethod } from './bias-shares.ts';
import { classHierarchy } from './class-hierarchy.ts';
import { dataDirections } from './data-directions.ts';
import { decisionTraces } from './decision-traces.ts';
import { inputOutputMap } from './input-output-map.ts';
import { inputPatterns } from './input-patterns.ts';
import { layerFeatures } from './layer-features.ts';
import type { Method } from './method.ts';
import { outputContributions } from './output-contributions.ts';
import { pixelVotes } from './pixel-votes.ts';
import { sanity } from './sanity.ts';
import { similarityOverlays } from './similarity-overlays.ts';
import { weightDirections } from './weight-directions.ts';

export const METHODS: readonly Method[] = [
  weightDirections,
  classHierarchy,
  similarityOverlays,
  layerFeatures,
  decisionTraces,
  biasSharesMethod,
  adversarialStep,
  inputOutputMap,
  pixelVotes,
  inputPatterns,
  outputContributions,
  dataDirections,
  attributions,
  sanity,
];
