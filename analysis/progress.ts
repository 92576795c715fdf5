// How long work tells what it is doing, without knowing who listens: a terminal, a log, or nobody.

export interface Stage {
  /** This many more units are done; one when left out. */
  advance(count?: number): void;
  done(): void;
}

export interface Progress {
  /** A new stage; `total` units of work where that is known. Stages may be nested: the innermost one is shown. */
  stage(name: string, total?: number): Stage;
  /** A line for a person, shown above the bar. */
  note(line: string): void;
}

/** Tells nobody. */
export const silent: Progress = { stage: () => ({ advance: () => {}, done: () => {} }), note: () => {} };
