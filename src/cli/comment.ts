// `eigenlens comment [ID…]`: the comment on a pull request, printed, or posted where there is a token. Of a pull request from
// a fork it is posted by a second job, from the JSON that the first one made: that is read as data, and written out here.
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { commentOn, markerOf } from '../../reports/pull-request-comment.ts';
import { reviewsSchema, type Review } from '../../reports/review.ts';
import { idsOf, reviewsOf, writeText } from './check.ts';
import { openForge, type Forge } from './forge.ts';
import { finishedRunOf, pullRequestOf } from './forge-event.ts';
import { addKnobs } from './knobs.ts';
import { shown } from './paths.ts';
import type { Invocation, Outcome, Verb } from './verb.ts';

/** A file from a stranger's job: more than this is no review. */
const MOST_BYTES = 64 * 2 ** 20;

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('[ids...]', 'Reports (default: all)')
      .option('--from <FILE>', 'Reviews that "eigenlens check --json" printed, instead of reports')
      .option('--output <FILE>', 'Write the Markdown to a file as well')
      .option('--key <KEY>', 'Tells the comments of several checks on one pull request apart', 'default')
      .option('--dry-run', 'Print the comment and post nothing (default without GITHUB_TOKEN)');
    addKnobs(command, ['reports', 'baseline']);
  },
  async run(invocation) {
    const { args, flags, terminal, folder, environment, signal } = invocation;
    const from = flags['from'] as string | undefined;
    if (from !== undefined && idsOf(args).length > 0) {
      throw new UserError('Both reports and --from are given.', {
        exitCode: EXIT.usage,
        hint: 'The file of --from says which reports they are.',
      });
    }
    const reviews =
      from === undefined ? await reviewsOf(idsOf(args), invocation) : await readReviews(resolve(folder, from));
    const finished = await finishedRunOf(environment);
    const event = finished ? null : await pullRequestOf(environment);
    const key = flags['key'] as string;
    const body = commentOn(reviews, {
      key,
      commit: finished?.head ?? event?.head,
      run: finished?.url ?? runOf(environment),
    });
    terminal.print(body.trimEnd());
    const output = flags['output'] as string | undefined;
    if (output !== undefined) await writeText(resolve(folder, output), body, '--output');
    const written = output === undefined ? 'Nothing was written' : `Wrote ${shown(resolve(folder, output), folder)}`;
    const token = environment['GITHUB_TOKEN'];
    if (flags['dryRun'] === true || !token) {
      const why = flags['dryRun'] === true ? 'as --dry-run says' : 'there is no GITHUB_TOKEN';
      return { json: { body, posted: null }, last: `${written}; nothing was posted, ${why}.` };
    }
    const patience = environment['EIGENLENS_FORGE_PATIENCE'];
    const forge = openForge({
      api: environment['GITHUB_API_URL'] ?? 'https://api.github.com',
      repository: environment['GITHUB_REPOSITORY'] ?? '',
      token,
      signal,
      ...(patience ? { patience: Number(patience) } : {}),
    });
    return post(forge, { body, key, finished, event, written });
  },
};

interface Posted {
  readonly body: string;
  readonly key: string;
  readonly finished: Awaited<ReturnType<typeof finishedRunOf>>;
  readonly event: Awaited<ReturnType<typeof pullRequestOf>>;
  readonly written: string;
}

async function post(forge: Forge, { body, key, finished, event, written }: Posted): Promise<Outcome> {
  const none = (why: string): Outcome => ({
    json: { body, posted: null },
    last: `${written}; nothing was posted: ${why}.`,
  });
  if (!finished && !event) {
    throw new UserError('This job runs for no pull request.', {
      exitCode: EXIT.usage,
      hint: 'Run it on pull_request, or on workflow_run after one; --dry-run only prints.',
    });
  }
  // Which pull request it is, the forge says, never a file of the analysed job; a result for commits that were replaced since
  // must not stand over the newer one.
  const number = finished ? await forge.pullRequestOf(finished) : event!.number;
  if (number === null) return none('no open pull request has this head any more');
  if (event && (await forge.headOf(number)) !== event.head)
    return none('the pull request has newer commits, or is closed');
  const { action, url } = await forge.writeComment(number, markerOf(key), body);
  const told = action === 'unchanged' ? 'stands as it was' : `was ${action}`;
  return { json: { body, posted: { action, url } }, last: `${written}; the comment ${told}: ${url}` };
}

async function readReviews(path: string): Promise<readonly Review[]> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new UserError(`The reviews ${path} cannot be read (${cause.message}).`, { cause });
  });
  const hint = 'It must be what "eigenlens check --json" printed, with the same version of eigenlens.';
  if (bytes.length > MOST_BYTES) throw new UserError(`${path} is too large for reviews.`, { hint });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new UserError(`${path} is not JSON (${(cause as Error).message}).`, { hint, cause });
  }
  const parsed = reviewsSchema.safeParse(json);
  if (parsed.success) return parsed.data.reviews;
  const issue = parsed.error.issues[0]!;
  throw new UserError(`${path} holds no reviews: ${issue.path.join('.')}: ${issue.message}.`, { hint });
}

/** The address of the run that this job belongs to. */
function runOf(environment: Invocation['environment']): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined;
}
