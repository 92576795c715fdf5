// What does one step against the decision change in where the score comes from? (LI; methods.md, section 4) The image is
// moved by one signed-gradient step (FGSM, Goodfellow et al. 2015) and the predicted score's residual is split again.
import type { AdversarialStep } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { softmax } from './probabilities.ts';
import type { Study } from '../study.ts';
import { frozenMode, sharesAt } from './bias-shares.ts';
import type { Method } from './method.ts';

export const adversarialStep: Method = {
  id: 'adversarial-step',
  question: 'What does a small step against the decision change in the layers’ constants?',
  version: 2,
  settings: ['adversarialStep', 'mode'],
  units(study) {
    if (study.task !== 'classification') return 'only a classifier’s decision can be stepped against';
    if (study.settings.adversarialStep === 0) return 'the step is set to 0 (--adversarial-step)';
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    return study.detailed.map((sample) => ({ key: String(sample), sample }));
  },
  async answer(study, { sample }) {
    return [{ on: { sample: sample! }, fields: { adversarialStep: await step(study, sample!) } }];
  },
};

/** x + ε·sign(∇ loss), the loss being the cross-entropy of the predicted class: ∇ = Jᵀ(p − e). */
async function step(study: Study, sample: number): Promise<AdversarialStep> {
  const epsilon = study.settings.adversarialStep;
  const jacobian = await study.map(sample, { mode: 'taylor' });
  const outputs = sizeOf(jacobian.codomain);
  const predicted = study.predictions![sample]!;
  const slope = Float32Array.from(softmax(jacobian.value));
  slope[predicted]! -= 1;
  const gradient = (await jacobian.transpose({ count: 1, size: outputs, data: slope })).data;
  const moved = jacobian.at.map((value, i) => value + epsilon * Math.sign(gradient[i]!));
  const clean = await study.inputs(sample, sample + 1);
  const maps = {
    clean: await study.map(sample, { mode: frozenMode(study) }),
    perturbed: await study.mapAt({ data: moved, shape: clean.shape }, { mode: frozenMode(study) }),
  };
  const { value } = maps.perturbed;
  const now = value.indexOf(value.reduce((a, b) => Math.max(a, b)));
  return {
    epsilon,
    prediction: study.outputName(now),
    image:
      study.inputView.kind === 'image'
        ? await study.drawInput(moved, `Sample ${study.samples.name(sample)} after the step`, { kind: 'photo' })
        : null,
    clean: (await sharesAt(study, maps.clean, [[predicted]]))[0]![0]!,
    perturbed: (await sharesAt(study, maps.perturbed, [[predicted]]))[0]![0]!,
  };
}
