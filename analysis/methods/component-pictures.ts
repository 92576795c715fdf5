// What a person sees of a direction: a picture, a cloud of points in colour from three sides, or, for a row of a table,
// its numbers by feature. Each is drawn once, however many outputs it adds to.
import type { FeatureTerm, Image } from '../../reports/format.ts';
import { limitOf } from '../figures/heatmap.ts';
import { pointCloudPng } from '../figures/point-cloud.ts';
import type { View } from '../figures/view.ts';
import type { Study } from '../study.ts';

/** Longest row of a table whose features are listed rather than drawn. */
const MOST_FEATURES = 64;

/** Whether vectors of the input are lists of features. */
export function isTable({ inputView: { kind, width } }: Study): boolean {
  return kind === 'vector' && width <= MOST_FEATURES;
}

/** The name of a column of a table, or its position. */
export function featureName({ samples }: Study, i: number): string {
  return samples.featureNames?.[i] ?? String(i);
}

/** φ_i and ψ λ φ_i x_i for every feature i; the latter add up to α. */
export function featureTerms(study: Study, direction: Float32Array, at: Float32Array, weight: number): FeatureTerm[] {
  return Array.from(direction, (value, i) => ({
    feature: featureName(study, i),
    direction: value,
    contribution: weight * value * at[i]!,
  }));
}

/** ψ λ Σ_channels φ_hwc x_hwc (for points: over the coordinates of a point): height × width numbers that add up to α. */
export function contract(view: View, direction: Float32Array, at: Float32Array, weight: number): Float32Array {
  const products = view.arrange(direction.map((value, i) => weight * value * at[i]!));
  const channels = view.kind === 'points' ? view.width : view.channels;
  const places = new Float32Array(products.length / channels);
  for (let i = 0; i < products.length; i++) places[Math.floor(i / channels)]! += products[i]!;
  return places;
}

/** The contraction as a picture; on a cloud `at`, its points in colour. */
export function drawContraction(study: Study, values: Float32Array, at: Float32Array, alt: string): Promise<Image> {
  const { kind, height, width } = study.inputView;
  if (kind === 'points') return drawCloud(study, at, values, values, [values.length], alt);
  return study.pictures.draw({ values, height, width, channels: 1, kind: 'map', alt });
}

/** A vector of the input's space as a picture; on a cloud `at`, how far it moves each point, in colour. */
export function drawOnInput(study: Study, vector: Float32Array, at: Float32Array, alt: string): Promise<Image> {
  if (study.inputView.kind !== 'points') return study.drawInput(vector, alt);
  return drawCloud(study, at, movement(vector), vector, [vector.length / 3, 3], alt);
}

/** The same in the output's space; `value` is the output at the sample. */
export function drawOnOutput(study: Study, vector: Float32Array, value: Float32Array, alt: string): Promise<Image> {
  if (study.outputView.kind !== 'points') return study.drawOutput(vector, alt);
  return drawCloud(study, value, movement(vector), vector, [vector.length / 3, 3], alt);
}

/** Length of each point's part of a vector. */
function movement(vector: Float32Array): Float32Array {
  return Float32Array.from({ length: vector.length / 3 }, (_, i) =>
    Math.hypot(vector[3 * i]!, vector[3 * i + 1]!, vector[3 * i + 2]!),
  );
}

async function drawCloud(
  study: Study,
  points: Float32Array,
  colours: Float32Array,
  numbers: Float32Array,
  shape: readonly number[],
  alt: string,
): Promise<Image> {
  const { png, width, height } = await pointCloudPng(points, { values: colours });
  const [image, { url }] = await Promise.all([
    study.pictures.keepPng(png, { width, height }, `${alt}, from three sides`),
    study.pictures.keep(numbers, shape),
  ]);
  return { ...image, array: url, limit: limitOf(colours) };
}
