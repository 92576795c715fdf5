// What a forge says about the pull request that a job runs for. Nothing in it is trusted to be more than text.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../../analysis/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const sha = z.string().regex(/^[0-9a-f]{40,64}$/);
const branch = z.string().regex(/^[^\s~^:?*[\\\p{Cc}-][^\s~^:?*[\\\p{Cc}]*$/u);

const pullRequestEvent = z.looseObject({
  pull_request: z.looseObject({
    number: z.int().positive(),
    base: z.looseObject({ sha, ref: branch }),
    head: z.looseObject({ sha }),
  }),
});

const workflowRunEvent = z.looseObject({
  workflow_run: z.looseObject({
    event: z.string(),
    head_sha: sha,
    head_branch: z.string(),
    head_repository: z.looseObject({ owner: z.looseObject({ login: z.string() }) }),
    html_url: z.string().optional(),
  }),
});

export interface PullRequest {
  readonly number: number;
  /** Commit at the base, commit at the head. */
  readonly base: string;
  readonly head: string;
  /** The branch that it goes into. */
  readonly branch: string;
}

/** The pull request of the event that GITHUB_EVENT_PATH holds; null when the job runs for none. */
export async function pullRequestOf(environment: Environment): Promise<PullRequest | null> {
  const parsed = pullRequestEvent.safeParse(await eventOf(environment));
  if (!parsed.success) return null;
  const { number, base, head } = parsed.data.pull_request;
  return { number, base: base.sha, head: head.sha, branch: base.ref };
}

export interface FinishedRun {
  /** The commit that was analysed. */
  readonly head: string;
  /** `owner:branch` of the head, as the list of pull requests is searched by. */
  readonly label: string;
  readonly url: string | undefined;
}

/** The run of a pull request that a `workflow_run` event tells the end of; null when the job runs for none. */
export async function finishedRunOf(environment: Environment): Promise<FinishedRun | null> {
  const parsed = workflowRunEvent.safeParse(await eventOf(environment));
  if (!parsed.success || parsed.data.workflow_run.event !== 'pull_request') return null;
  const { head_sha: head, head_branch: name, head_repository: repository, html_url: url } = parsed.data.workflow_run;
  return { head, label: `${repository.owner.login}:${name}`, url };
}

async function eventOf(environment: Environment): Promise<unknown> {
  const path = environment['GITHUB_EVENT_PATH'];
  if (!path) return null;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new UserError(`The event in ${path} cannot be read (${(cause as Error).message}).`, { cause });
  }
}
