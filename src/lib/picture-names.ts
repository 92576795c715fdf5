// What the kinds of pictures that explain a decision are called.

/** From this rank correlation on, a picture of a network with redrawn weights is said to look like that of the trained one. */
export const ALIKE = 0.5;

const titles: Readonly<Record<string, string>> = {
  'input-component': 'Input component',
  'input-pattern': 'Leading input pattern',
  gradient: 'Gradient',
  'gradient-x-input': 'Gradient × input',
  'integrated-gradients': 'Integrated gradients',
  smoothgrad: 'SmoothGrad',
  'lrp-epsilon': 'LRP, ε rule',
  'lrp-alpha-beta': 'LRP, αβ rule',
  'lrp-z-plus': 'LRP, z⁺ rule (deep Taylor)',
  'grad-cam': 'Grad-CAM',
  occlusion: 'Occlusion',
  lime: 'LIME',
};

/** The name of a kind of picture; its id where it has none. */
export function pictureName(id: string): string {
  return titles[id] ?? id;
}
