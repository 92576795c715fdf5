// Which classes share directions of a layer, and which set them apart? (SVDW, section 4; methods.md, section 5) A direction
// belongs to a class when its signal is above the q-quantile of all signals of the layer in at least the share p of its samples.
import type { ClassHierarchy, DirectionGroup, HierarchyVariant } from '../../reports/format.ts';
import type { Study } from '../study.ts';
import { hyperedgesOf, hypergraphOf, significantShares, type Hypergraph } from './direction-hypergraph.ts';
import {
  classesOf,
  directionSignals,
  exemplarsWithMaps,
  projectionOn,
  quantileOf,
  strongest,
  type LayerSignals,
} from './direction-signals.ts';
import type { Method } from './method.ts';
import { synthesise } from './synthesised-inputs.ts';
import { chosenLayers, layersLeftOut } from './weight-spectrum.ts';

/** Thresholds beside the chosen ones whose hierarchies are kept, so that a reader can compare. */
const QUANTILES = [0.8, 0.85, 0.9, 0.95];
const MAJORITIES = [0.5, 0.75, 0.9];
/** Groups of a layer that get exemplars and pictures, the most general ones first. */
const MOST_PICTURED = 24;

export const classHierarchy: Method = {
  id: 'class-hierarchy',
  question: 'Which classes share directions of a layer, and which directions set them apart?',
  version: 2,
  settings: ['quantile', 'majority', 'exemplars', 'synthesisSteps', 'synthesised', 'synthesisWork', 'memory'],
  units(study) {
    const found = classesOf(study);
    if (study.task !== 'classification' || !found) return 'the network is no classifier, so there are no classes';
    if (new Set(found.classes).size < 2) return 'the samples are of one class';
    return chosenLayers(study).map(({ name }) => ({ key: name, layer: name }));
  },
  skipped: layersLeftOut,
  async answer(study, unit) {
    const signals = (await directionSignals(study)).get(unit.layer!)!;
    return [{ on: { layer: unit.layer! }, fields: { classHierarchy: await hierarchyOf(study, signals) } }];
  },
};

async function hierarchyOf(study: Study, signals: LayerSignals): Promise<ClassHierarchy> {
  const { quantile, majority } = study.settings;
  const { classes, from } = classesOf(study)!;
  const { layer, spectrum } = signals;
  const [threshold, graph] = hierarchyAt(signals, classes, quantile, majority);
  const pictured = graph.groups.slice(0, MOST_PICTURED);
  const requests = pictured.map(({ directions, classes: shared }) => ({
    projection: projectionOn(spectrum, directions),
    samples: exemplarsOf(signals, directions, shared, classes, study.settings.exemplars),
    name: `The projection on ${describe(directions)} of ${layer.name}`,
  }));
  const exemplars = await exemplarsWithMaps(study, layer, spectrum.outputAxis, requests);
  const synthesised = await synthesise(
    study,
    layer,
    spectrum,
    pictured.map(({ directions, classes: shared }) => ({
      vector: projectionOn(spectrum, directions, weightsOf(signals, directions, shared, classes)).vector,
      name: `${describe(directions)} of ${layer.name}`,
    })),
    'class hierarchy',
  );
  const groups: DirectionGroup[] = graph.groups.map((group, i) => ({
    ...named(study, group),
    synthesised: synthesised.inputs[i]?.image ?? null,
    exemplars: exemplars[i] ?? [],
  }));
  return {
    quantile,
    majority,
    threshold,
    groups,
    edges: graph.edges.map((edge) => [...edge]),
    classesFrom: from,
    samples: classes.length,
    considered: signals.directions,
    total: spectrum.count,
    synthesisReason: synthesised.reason,
    alternatives: QUANTILES.flatMap((q) => MAJORITIES.map((p) => [q, p] as const))
      .filter(([q, p]) => q !== quantile || p !== majority)
      .map(([q, p]) => variantOf(study, signals, classes, q, p)),
  };
}

/** Signal at the quantile, and the hypergraph there. */
export function hierarchyAt(
  { values, directions }: Pick<LayerSignals, 'values' | 'directions'>,
  classes: Int32Array,
  quantile: number,
  majority: number,
): [threshold: number, hypergraph: Hypergraph] {
  const threshold = quantileOf(values, quantile);
  const classCount = classes.reduce((most, c) => Math.max(most, c), -1) + 1;
  const shares = significantShares(values, directions, threshold, classes, classCount);
  return [threshold, hypergraphOf(hyperedgesOf(shares, directions, majority))];
}

function variantOf(
  study: Study,
  signals: LayerSignals,
  classes: Int32Array,
  quantile: number,
  majority: number,
): HierarchyVariant {
  const [threshold, { groups, edges }] = hierarchyAt(signals, classes, quantile, majority);
  return {
    quantile,
    majority,
    threshold,
    groups: groups.map((group) => ({
      ...named(study, group),
      sample: reference(study, exemplarsOf(signals, group.directions, group.classes, classes, 1)[0]?.sample),
    })),
    edges: edges.map((edge) => [...edge]),
  };
}

function reference(study: Study, sample: number | undefined) {
  return sample === undefined ? null : { index: sample, name: study.samples.name(sample) };
}

/**
 * The samples of the group's classes with the largest mean signal, in turn over the classes, so that a group of several
 * classes does not show one of them alone.
 */
function exemplarsOf(
  signals: LayerSignals,
  directions: readonly number[],
  shared: readonly number[],
  classes: Int32Array,
  count: number,
): { sample: number; signal: number }[] {
  const byClass = Map.groupBy(strongest(signals, directions, classes.length), ({ sample }) => classes[sample]!);
  const queues = shared
    .map((c) => byClass.get(c) ?? [])
    .sort((a, b) => (b[0]?.signal ?? -Infinity) - (a[0]?.signal ?? -Infinity));
  const chosen: { sample: number; signal: number }[] = [];
  for (let turn = 0; chosen.length < count && queues.some((queue) => queue.length > turn); turn++)
    chosen.push(...queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  return chosen.slice(0, count);
}

/** Mean signal of each direction over the samples of the group's classes, as shares of their sum: what weights the synthesis. */
function weightsOf(
  { values, directions: width }: LayerSignals,
  directions: readonly number[],
  shared: readonly number[],
  classes: Int32Array,
): number[] {
  const sums = directions.map((d) => {
    let sum = 0;
    for (const [sample, c] of classes.entries()) if (shared.includes(c)) sum += values[sample * width + d]!;
    return Math.max(sum, 0);
  });
  const total = sums.reduce((a, b) => a + b, 0);
  return sums.map((sum) => (total > 0 ? sum / total : 1 / sums.length));
}

function named(study: Study, { classes, directions }: Hypergraph['groups'][number]) {
  return { classes: classes.map((c) => study.outputName(c)), directions: [...directions] };
}

function describe(directions: readonly number[]): string {
  return directions.length === 1 ? `direction ${directions[0]}` : `directions ${directions.join(', ')}`;
}
