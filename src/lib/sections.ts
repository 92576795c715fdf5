// The sections of the pages, in the order in which they are shown: a method that answers on a layer, a sample or the model
// is one component here, one line in this file and its fields in documents.ts.
import AdversarialStep from '../components/AdversarialStep.astro';
import BiasShares from '../components/BiasShares.astro';
import BiasSummary from '../components/BiasSummary.astro';
import DecisionSummary from '../components/DecisionSummary.astro';
import DecisionTrace from '../components/DecisionTrace.astro';
import InputOutputMap from '../components/InputOutputMap.astro';
import LayerFeatures from '../components/LayerFeatures.astro';
import LayerUse from '../components/LayerUse.astro';
import OutputContributions from '../components/OutputContributions.astro';
import PixelVotes from '../components/PixelVotes.astro';
import SanityScores from '../components/SanityScores.astro';
import WeightDirections from '../components/WeightDirections.astro';
import type { LayerAnswers, ModelFacts, SampleAnswers } from './data.ts';

/** A section is shown where `answered` holds; elsewhere the page says why not, from the status of the method `id`. */
export interface Section<Subject> {
  /** Method id, which is also the anchor on the page and the entry of the glossary. */
  readonly id: string;
  readonly title: string;
  readonly answered: (subject: Subject) => boolean;

  readonly component: any;
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
    id: 'layer-features',
    title: 'Layer features',
    answered: (l) => l.layerFeatures !== null,
    component: LayerFeatures,
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
  { id: 'pixel-votes', title: 'Pixel votes', answered: (s) => s.pixelVotes !== null, component: PixelVotes },
  {
    id: 'output-contributions',
    title: 'What adds up to the output',
    answered: (s) => s.outputContributions.length > 0,
    component: OutputContributions,
  },
  {
    id: 'adversarial-step',
    title: 'One step towards another answer',
    answered: (s) => s.adversarialStep !== null,
    component: AdversarialStep,
  },
];
