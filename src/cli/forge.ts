// The forge's REST API, as far as a comment on a pull request needs it (version 2022-11-28). Trouble on its side is waited
// out a few times; what then still fails is told with what the forge said.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { EXIT, UserError } from '../../analysis/errors.ts';
import type { FinishedRun } from './forge-event.ts';

const RETRIES = 3;
const PAGE = 100;
/** A forge that wants more time than this is down for us. */
const LONGEST_WAIT_SECONDS = 60;

export interface ForgeOptions {
  /** `https://api.github.com`, or that of a server of one's own. */
  readonly api: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly token: string;
  /** Seconds before the first retry; doubled each time. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
}

export interface Forge {
  /** The number of the open pull request whose head a finished run analysed; null when it has moved on or is closed. */
  pullRequestOf(run: FinishedRun): Promise<number | null>;
  /** The commit at the head of a pull request; null when it is closed. */
  headOf(pullRequest: number): Promise<string | null>;
  /** Writes the one comment that begins with `marker` anew, or makes it. */
  writeComment(
    pullRequest: number,
    marker: string,
    body: string,
  ): Promise<{ action: 'created' | 'updated' | 'unchanged'; url: string }>;
}

const pull = z.looseObject({ number: z.int(), state: z.string(), head: z.looseObject({ sha: z.string() }) });
const comment = z.looseObject({
  id: z.int(),
  body: z.string().nullish(),
  html_url: z.string(),
  user: z.looseObject({ type: z.string() }).nullish(),
});

/** A forge's pull requests and comments. */
export function openForge({ api, repository, token, patience = 1, signal }: ForgeOptions): Forge {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new UserError(`"${repository}" is no repository.`, {
      exitCode: EXIT.usage,
      hint: 'GITHUB_REPOSITORY must be owner/name.',
    });
  }
  const root = `${api.replace(/\/+$/, '')}/repos/${repository}`;

  /** The answer; null for 404. UserError when the forge refuses or stays away. */
  async function ask<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T | null> {
    for (let attempt = 0; ; attempt++) {
      let response: Response | null = null;
      let trouble = '';
      try {
        response = await fetch(`${root}${path}`, {
          method,
          headers: {
            accept: 'application/vnd.github+json',
            authorization: `Bearer ${token}`,
            'user-agent': 'eigenlens',
            'x-github-api-version': '2022-11-28',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.any([AbortSignal.timeout(30_000), ...(signal ? [signal] : [])]),
        });
        if (response.status === 404) return null;
        if (response.ok) return schema.parse(await response.json());
        trouble = `the forge answers ${response.status}${await saidBy(response)}`;
      } catch (error) {
        if (signal?.aborted) throw error;
        if (error instanceof z.ZodError)
          throw unreachable(`the forge’s answer to ${method} ${path} has another shape`, error);
        trouble = `the forge cannot be reached (${messageOf(error)})`;
      }
      const limited = response && Number(response.headers.get('retry-after') ?? NaN);
      const worth =
        !response || response.status >= 500 || response.status === 429 || (limited !== null && limited >= 0);
      if (!worth || attempt >= RETRIES || (limited !== null && limited > LONGEST_WAIT_SECONDS)) {
        throw unreachable(trouble, undefined, response?.status);
      }
      await wait(1000 * (limited !== null && limited >= 0 ? limited : patience * 2 ** attempt), undefined, { signal });
    }
  }

  return {
    async pullRequestOf({ head, label }) {
      const query = new URLSearchParams({ state: 'open', head: label, per_page: String(PAGE) });
      const found = await ask('GET', `/pulls?${query}`, z.array(pull));
      return found?.find((one) => one.head.sha === head)?.number ?? null;
    },
    async headOf(pullRequest) {
      const found = await ask('GET', `/pulls/${pullRequest}`, pull);
      return found?.state === 'open' ? found.head.sha : null;
    },
    async writeComment(pullRequest, marker, body) {
      const known = await findComment(pullRequest, marker);
      if (known?.body === body) return { action: 'unchanged', url: known.html_url };
      if (known) {
        const updated = await ask('PATCH', `/issues/comments/${known.id}`, comment, { body });
        if (updated) return { action: 'updated', url: updated.html_url };
        // Deleted between the two requests: it is made again.
      }
      const created = await ask('POST', `/issues/${pullRequest}/comments`, comment, { body });
      if (!created) throw unreachable(`there is no pull request ${pullRequest} in ${repository}`);
      return { action: 'created', url: created.html_url };
    },
  };

  /** Only a comment of a program may be overwritten: a person may have pasted the marker. */
  async function findComment(pullRequest: number, marker: string) {
    for (let page = 1; ; page++) {
      const found = await ask('GET', `/issues/${pullRequest}/comments?per_page=${PAGE}&page=${page}`, z.array(comment));
      const own = found?.find(({ body, user }) => body?.startsWith(marker) && user?.type === 'Bot');
      if (own || !found || found.length < PAGE) return own ?? null;
    }
  }
}

function unreachable(trouble: string, cause?: unknown, status?: number): UserError {
  const readOnly = status === 403 || status === 401;
  return new UserError(`The comment was not posted: ${trouble}.`, {
    exitCode: EXIT.failed,
    hint: readOnly
      ? 'The token may only read, as that of a fork’s pull request: post from a workflow_run job with pull-requests: write.'
      : 'Run the job again; the comment stands above.',
    cause,
  });
}

async function saidBy(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    return `: ${String((JSON.parse(text) as { message?: unknown }).message).slice(0, 200)}`;
  } catch {
    return '';
  }
}

function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
