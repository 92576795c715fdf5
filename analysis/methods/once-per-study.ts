// What several methods, or several units of one, need of the same study.
import type { Study } from '../study.ts';

/** `find`, asked once a study: whoever asks again, of the very same study, gets the answer of then. */
export function oncePerStudy<Answer>(find: (study: Study) => Answer): (study: Study) => Answer {
  const known = new WeakMap<Study, { readonly answer: Answer }>();
  return (study) => {
    let found = known.get(study);
    if (!found) known.set(study, (found = { answer: find(study) }));
    return found.answer;
  };
}
