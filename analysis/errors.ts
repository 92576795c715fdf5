// Errors that a user can do something about. Anything else is our bug and shows its stack.

/** Exit codes of the command line (conventions.md). */
export const EXIT = {
  done: 0,
  findings: 1,
  usage: 2,
  input: 3,
  failed: 4,
  environment: 5,
  interrupted: 130,
  terminated: 143,
} as const;

/** What happened, why, and what to do, shown without a stack. */
export class UserError extends Error {
  readonly exitCode: number;
  /** The way out, in one or two sentences. */
  readonly hint: string | undefined;
  constructor(
    message: string,
    { exitCode = EXIT.input, hint, cause }: { exitCode?: number; hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = 'UserError';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'a file is in its place',
  EISDIR: 'it is a folder',
  ENOENT: 'its file system takes no new folders',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'part of the path is a file',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};

/** Why a place cannot be read or written, in words; undefined where the system's code says nothing that we know. */
export function systemReason(cause: unknown): string | undefined {
  return REASONS[String((cause as NodeJS.ErrnoException | null)?.code)];
}

const LONGEST_NAME = 200;

/** The closest of `names` to a misspelt `name`, or undefined when none is close (edit distance above a third of its length). */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  // The time grows with the length, and nobody misspells that much.
  if (name.length > LONGEST_NAME) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
