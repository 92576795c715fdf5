// A baseline that a run of the base branch uploaded as an artifact: the one of the exact base commit, else that of the newest
// successful run of the branch. Runs of forks and of pull requests never count: their code is not that of the branch.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { z } from 'zod';
import { EXIT, UserError } from '../../analysis/errors.ts';

interface Wanted {
  readonly name: string;
  readonly report: string;
  /** Commit and branch that the pull request goes into. */
  readonly base: string;
  readonly branch: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const artifacts = z.looseObject({
  artifacts: z.array(
    z.looseObject({
      id: z.int(),
      expired: z.boolean(),
      workflow_run: z
        .looseObject({
          id: z.int(),
          repository_id: z.int(),
          head_repository_id: z.int(),
          head_branch: z.string().nullish(),
          head_sha: z.string(),
        })
        .nullish(),
    }),
  ),
});
const run = z.looseObject({ event: z.string(), conclusion: z.string().nullish() });

/** Files of a report within the artifact, wherever in it the report's folder stands. */
const OWN_FILE = /^(?:(?:report|run)\.json|(?:layers|samples|files)\/[\w-]+\.(?:json|npy|png))$/;
/** Of an artifact, and of what is in it. */
const MOST_BYTES = 2 ** 30;

/** A folder with the report, and how it was found; UserError when no run of the branch has it. */
export async function artifactBaseline({
  name,
  report,
  base,
  branch,
  environment,
}: Wanted): Promise<{ folder: string; found: string }> {
  const root = `${environment['GITHUB_API_URL'] ?? 'https://api.github.com'}/repos/${environment['GITHUB_REPOSITORY'] ?? ''}`;
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(`${root}${path}`, {
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${environment['GITHUB_TOKEN'] ?? ''}`,
        'user-agent': 'eigenlens',
        'x-github-api-version': '2022-11-28',
      },
      signal: AbortSignal.timeout(60_000),
    }).catch((cause: unknown) => {
      throw unavailable(`the forge cannot be reached (${String(cause)})`, cause);
    });
    if (!response.ok) throw unavailable(`the forge answers ${response.status}`);
    return response;
  };
  const query = new URLSearchParams({ name, per_page: '100' });
  const listed = artifacts.parse(await (await ask(`/actions/artifacts?${query}`)).json()).artifacts;
  const ofBranch = listed.flatMap(({ id, expired, workflow_run: by }) =>
    by && !expired && by.head_branch === branch && by.head_repository_id === by.repository_id ? [{ id, by }] : [],
  );
  // The forge lists the newest first.
  const inOrder = [
    ...ofBranch.filter(({ by }) => by.head_sha === base),
    ...ofBranch.filter(({ by }) => by.head_sha !== base),
  ];
  for (const { id, by } of inOrder) {
    const { event, conclusion } = run.parse(await (await ask(`/actions/runs/${by.id}`)).json());
    if (conclusion !== 'success' || event.startsWith('pull_request')) continue;
    const bytes = new Uint8Array(await (await ask(`/actions/artifacts/${id}/zip`)).arrayBuffer());
    const folder = await unpacked(bytes, report);
    if (folder === null) continue;
    const how = by.head_sha === base ? 'the exact base commit' : `the newest successful run on ${branch}, commit`;
    return { folder, found: `the artifact ${name} of ${how} ${by.head_sha.slice(0, 10)} (run ${by.id})` };
  }
  throw unavailable(
    `no artifact "${name}" with the report "${report}", neither of the exact base commit ${base.slice(0, 10)} nor of a successful run on ${branch}`,
  );
}

/** The report's files in a new folder under the report's name; null when it is not among them. */
async function unpacked(bytes: Uint8Array, report: string): Promise<string | null> {
  if (bytes.length > MOST_BYTES) throw unavailable('the artifact is too large');
  let left = MOST_BYTES;
  const files = unzipSync(bytes, { filter: ({ originalSize }) => (left -= originalSize) >= 0 });
  const head = Object.keys(files).find(
    (path) => path === `${report}/report.json` || path.endsWith(`/${report}/report.json`),
  );
  if (head === undefined || !strFromU8(files[head]!.subarray(0, 1)).startsWith('{')) return null;
  const root = head.slice(0, -'report.json'.length);
  const folder = await mkdtemp(join(tmpdir(), 'eigenlens-baseline-'));
  for (const [path, content] of Object.entries(files)) {
    const own = path.startsWith(root) ? path.slice(root.length) : '';
    if (!OWN_FILE.test(own)) continue;
    const target = join(folder, report, own);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  return folder;
}

function unavailable(why: string, cause?: unknown): UserError {
  return new UserError(`There is no baseline: ${why}.`, {
    exitCode: EXIT.input,
    hint: 'It takes GITHUB_TOKEN with actions: read, and a run on the base branch that uploads its reports; or say --baseline none.',
    cause,
  });
}
