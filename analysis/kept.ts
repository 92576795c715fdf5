// Results on the way to an answer that take long: on disk as soon as they are there, so that a run that was stopped goes on
// behind them. They are as large as the directions of a layer, and needed no more when the report is written.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';

/** What a kept result depends on, beside the model, the samples and the backend. */
export interface Step {
  readonly id: string;
  /** Raised whenever its numbers would change. */
  readonly version: number;
  readonly settings: readonly string[];
}

/**
 * The result of `compute` for one part (a layer, say) of a step, or what an earlier run kept of it. It must be plain data:
 * numbers, strings, arrays, typed arrays, records.
 */
export type Keep = <Result>(step: Step, part: string, compute: () => Promise<Result>) => Promise<Result>;

/** Keeps nothing. */
export const keepNothing: Keep = (_step, _part, compute) => compute();

/** A keeper in `folder`; `fileOf` names the file of a part by all that it depends on. With `force` nothing is read. */
export function keeperIn(folder: string, fileOf: (step: Step, part: string) => string, force: boolean): Keep {
  return async (step, part, compute) => {
    const file = path.join(folder, fileOf(step, part));
    const known = force ? undefined : await readKept(file);
    if (known) return known.result as Awaited<ReturnType<typeof compute>>;
    const result = await compute();
    await mkdir(folder, { recursive: true });
    const temporary = `${file}.${process.pid}`;
    try {
      await writeFile(temporary, serialize({ result }));
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return result;
  };
}

/** Undefined where there is none, or a damaged one. */
async function readKept(file: string): Promise<{ readonly result: unknown } | undefined> {
  try {
    const kept: unknown = deserialize(await readFile(file));
    return typeof kept === 'object' && kept !== null && 'result' in kept ? kept : undefined;
  } catch {
    return undefined;
  }
}
