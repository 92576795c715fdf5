// The sections of the pages, in the order in which they are shown: a method that answers on a layer, a sample or the model
// is one component here, one line in this file and its fields in documents.ts.
import AdversarialStep from '../components/AdversarialStep.astro';
import Attributions from '../components/Attributions.astro';
import BiasShares from '../components/BiasShares.astro';
import BiasSummary from '../components/BiasSummary.astro';
import ClassHierarchy from '../components/ClassHierarchy.astro';
import ComponentSimilarities from '../components/ComponentSimilarities.astro';
import DataDirections from '../components/DataDirections.astro';
import DecisionSummary from '../components/DecisionSummary.astro';
import DecisionTrace from '../components/DecisionTrace.astro';
import InputOutputMap from '../components/InputOutputMap.astro';
import InputPatterns from '../components/InputPatterns.astro';
import LayerFeatures from '../components/LayerFeatures.astro';
import LayerUse from '../components/LayerUse.astro';
import OutputContributions from '../components/OutputContributions.astro';
import PixelVotes from '../components/PixelVotes.astro';
import SanityScores from '../components/SanityScores.astro';
import SimilarityOverlays from '../components/SimilarityOverlays.astro';
import WeightDirections from '../components/WeightDirections.astro';
import { layerLabel } from './facts.ts';
import type { LayerAnswers, ModelFacts, SampleAnswers } from './data.ts';

/** A piece of a section that is long enough for a page of its own. */
export interface Part<Subject> {
  /** Last segment of its address; the first part is at the section's own address. */
  readonly id: string;
  readonly label: string;
  /** The subject with nothing but this part's answers in the section's field. */
  readonly subject: Subject;
}

/** A section is shown where `answered` holds; elsewhere the page says why not, from the status of the method `id`. */
export interface Section<Subject> {
  /** Method id, which is also the anchor on the page and the entry of the glossary. */
  readonly id: string;
  readonly title: string;
  readonly answered: (subject: Subject) => boolean;

  readonly component: any;
  /** On a page of its own, linked from where it would stand: what may be long goes there, so that no page exceeds its budget. */
  readonly page?: boolean;
  /** The pages that it is cut into, where one would still be too long. */
  readonly parts?: (subject: Subject) => readonly Part<Subject>[];
}

/** Layers on one page of input patterns: keeps the page below its budget. */
const LAYERS_PER_PART = 4;

/** Input patterns, a few layers a part, in the order in which they come. */
function patternParts(sample: SampleAnswers): Part<SampleAnswers>[] {
  const byLayer = [...Map.groupBy(sample.inputPatterns, ({ layer }) => layer)];
  const count = Math.ceil(byLayer.length / LAYERS_PER_PART);
  return Array.from({ length: count }, (_, i) => {
    const own = byLayer.slice(i * LAYERS_PER_PART, (i + 1) * LAYERS_PER_PART);
    const [first, last] = [own[0]![0], own.at(-1)![0]];
    return {
      id: String(i),
      label: first === last ? layerLabel(first) : `${layerLabel(first)} to ${last}`,
      subject: { ...sample, inputPatterns: own.flatMap(([, answers]) => answers) },
    };
  });
}

export const MODEL_SECTIONS: readonly Section<ModelFacts>[] = [
  {
    id: 'decision-traces',
    title: 'Where decisions are made',
    answered: (m) => m.traceSummary !== null,
    component: DecisionSummary,
  },
  {
    id: 'bias-shares',
    title: 'What the constants contribute',
    answered: (m) => m.biasSummary !== null,
    component: BiasSummary,
  },
  {
    id: 'input-patterns',
    title: 'How much of each layer is used',
    answered: (m) => m.layers.some((l) => l.representationalPower.length > 0 || l.inactiveShare !== null),
    component: LayerUse,
  },
  {
    id: 'output-contributions',
    title: 'Directions that samples share',
    answered: (m) => m.componentSimilarities.some(({ samples }) => samples.length > 1),
    component: ComponentSimilarities,
  },
  {
    id: 'data-directions',
    title: 'Directions of the samples',
    answered: (m) => m.dataDirections !== null,
    component: DataDirections,
  },
  {
    id: 'sanity',
    title: 'Do the pictures depend on the model?',
    answered: (m) => m.sanity.length > 0,
    component: SanityScores,
  },
];

export const LAYER_SECTIONS: readonly Section<LayerAnswers>[] = [
  {
    id: 'weight-directions',
    title: 'Weight directions',
    answered: (l) => l.weightDirections !== null,
    component: WeightDirections,
  },
  {
    id: 'class-hierarchy',
    title: 'Classes that share directions',
    answered: (l) => l.classHierarchy !== null,
    component: ClassHierarchy,
    page: true,
  },
  {
    id: 'layer-features',
    title: 'Layer features',
    answered: (l) => l.layerFeatures !== null,
    component: LayerFeatures,
    page: true,
  },
];

export const SAMPLE_SECTIONS: readonly Section<SampleAnswers>[] = [
  {
    id: 'decision-traces',
    title: 'Decision trace',
    answered: (s) => s.decisionTrace !== null,
    component: DecisionTrace,
  },
  { id: 'bias-shares', title: 'Input and constants', answered: (s) => s.biasShares.length > 0, component: BiasShares },
  {
    id: 'input-output-map',
    title: 'Input-output map',
    answered: (s) => s.inputOutputMap !== null,
    component: InputOutputMap,
  },
  {
    id: 'input-patterns',
    title: 'Patterns that make up the layers',
    answered: (s) => s.inputPatterns.length > 0,
    component: InputPatterns,
    page: true,
    parts: patternParts,
  },
  { id: 'pixel-votes', title: 'Pixel votes', answered: (s) => s.pixelVotes !== null, component: PixelVotes },
  {
    id: 'output-contributions',
    title: 'What adds up to the output',
    answered: (s) => s.outputContributions.length > 0,
    component: OutputContributions,
    page: true,
    parts: (s) =>
      [...Map.groupBy(s.outputContributions, ({ output }) => output)].map(([output, outputContributions], i) => ({
        id: String(i),
        label: output,
        subject: { ...s, outputContributions },
      })),
  },
  {
    id: 'similarity-overlays',
    title: 'What it has in common with other samples',
    answered: (s) => s.similarityOverlays.length > 0,
    component: SimilarityOverlays,
  },
  {
    id: 'adversarial-step',
    title: 'One step towards another answer',
    answered: (s) => s.adversarialStep !== null,
    component: AdversarialStep,
  },
  {
    id: 'attributions',
    title: 'Other methods, and whether to trust them',
    answered: (s) => s.attributions.length > 0,
    component: Attributions,
    page: true,
  },
];
