// A forge's API on this machine: the five requests that a comment needs, answered as published (REST API, 2022-11-28), each
// checked against its published shape. What does not fit is kept in `violations`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface StandInComment {
  id: number;
  body: string;
  user: { login: string; type: 'Bot' | 'User' };
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Record<string, string>;
}

export interface StandIn {
  readonly api: string;
  readonly violations: string[];
  /** `METHOD path`, in order. */
  readonly requests: string[];
  comments: StandInComment[];
  /** Newest first, as the forge lists them; `fork`: of a run of a fork's branch. */
  artifacts: {
    id: number;
    name: string;
    run: number;
    branch: string;
    sha: string;
    fork?: boolean;
    expired?: boolean;
    event?: string;
    conclusion?: string;
    zip: Uint8Array;
  }[];
  pulls: { number: number; state: 'open' | 'closed'; label: string; sha: string }[];
  /** What a request is answered before anything else is looked at; null lets it through. */
  trouble: (request: string) => Answer | null;
}

const MOST_CHARACTERS = 65_536;

/** Starts a stand-in for the repository owner/name, which ends with the tests of the file. */
export async function startForge(): Promise<StandIn> {
  const forge: StandIn = {
    api: '',
    violations: [],
    requests: [],
    comments: [],
    artifacts: [],
    pulls: [],
    trouble: () => null,
  };
  const server = createServer((request, response) => void serve(forge, request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  afterAll(() => server.close());
  return Object.assign(forge, { api: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function serve(forge: StandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(request.url!, 'http://stand-in');
  const name = `${request.method} ${pathname}`;
  forge.requests.push(name);
  checkHeaders(forge, request, chunks.length > 0);
  const answer = forge.trouble(name) ?? answerTo(forge, name, searchParams, Buffer.concat(chunks).toString());
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.json instanceof Uint8Array ? answer.json : JSON.stringify(answer.json));
}

function checkHeaders({ violations }: StandIn, { headers, method }: IncomingMessage, body: boolean): void {
  if (headers.accept !== 'application/vnd.github+json') violations.push(`${method}: accept is ${headers.accept}`);
  if (headers['x-github-api-version'] !== '2022-11-28') violations.push(`${method}: no API version`);
  if (!headers['user-agent']) violations.push(`${method}: no user agent`);
  if (!/^Bearer \S+$/.test(headers.authorization ?? '')) violations.push(`${method}: no bearer token`);
  if (body && headers['content-type'] !== 'application/json') violations.push(`${method}: body is no JSON`);
}

const NOT_FOUND: Answer = { status: 404, json: { message: 'Not Found' } };

function answerTo(forge: StandIn, name: string, query: URLSearchParams, body: string): Answer {
  const size = Number(query.get('per_page') ?? 30);
  const page = Number(query.get('page') ?? 1);
  const slice = <T>(list: T[]): T[] => list.slice((page - 1) * size, page * size);
  if (!(size >= 1 && size <= 100)) forge.violations.push(`${name}: per_page ${size}`);
  if (name === 'GET /repos/owner/name/pulls') {
    const known = ['state', 'head', 'per_page', 'page'];
    for (const key of query.keys()) if (!known.includes(key)) forge.violations.push(`${name}: unknown ${key}`);
    if (!/^[^:]+:.+$/.test(query.get('head') ?? '')) forge.violations.push(`${name}: head is no user:branch`);
    const found = forge.pulls.filter((one) => one.state === query.get('state') && one.label === query.get('head'));
    return { status: 200, json: slice(found).map(pullJson) };
  }
  const [, number] = /^GET \/repos\/owner\/name\/pulls\/(\d+)$/.exec(name) ?? [];
  if (number) {
    const found = forge.pulls.find((one) => one.number === Number(number));
    return found ? { status: 200, json: pullJson(found) } : NOT_FOUND;
  }
  if (/^GET \/repos\/owner\/name\/issues\/\d+\/comments$/.test(name))
    return { status: 200, json: slice(forge.comments).map(commentJson) };
  if (/^POST \/repos\/owner\/name\/issues\/\d+\/comments$/.test(name)) {
    const refused = bodyProblem(forge, name, body);
    if (refused) return refused;
    const { body: text } = JSON.parse(body) as { body: string };
    const id = 1 + Math.max(100, ...forge.comments.map((one) => one.id));
    const made: StandInComment = { id, body: text, user: { login: 'actions[bot]', type: 'Bot' } };
    forge.comments.push(made);
    return { status: 201, json: commentJson(made) };
  }
  const [, id] = /^PATCH \/repos\/owner\/name\/issues\/comments\/(\d+)$/.exec(name) ?? [];
  if (id) {
    const refused = bodyProblem(forge, name, body);
    if (refused) return refused;
    const found = forge.comments.find((one) => one.id === Number(id));
    if (!found) return NOT_FOUND;
    found.body = (JSON.parse(body) as { body: string }).body;
    return { status: 200, json: commentJson(found) };
  }
  const [, what, which] =
    /^GET \/repos\/owner\/name\/actions\/(artifacts|runs)(?:\/(\d+)(?:\/zip)?)?$/.exec(name) ?? [];
  if (what === 'artifacts' && !which) {
    for (const key of query.keys())
      if (!['name', 'per_page', 'page'].includes(key)) forge.violations.push(`${name}: unknown ${key}`);
    const found = slice(forge.artifacts.filter((one) => one.name === query.get('name')));
    return { status: 200, json: { total_count: found.length, artifacts: found.map(artifactJson) } };
  }
  const artifact = forge.artifacts.find((one) => String(what === 'runs' ? one.run : one.id) === which);
  if (artifact && what === 'runs') {
    const { run, event = 'push', conclusion = 'success' } = artifact;
    return { status: 200, json: { id: run, event, conclusion } };
  }
  if (artifact && name.endsWith('/zip')) return { status: 200, json: artifact.zip };
  forge.violations.push(`no such request: ${name}`);
  return NOT_FOUND;
}

function bodyProblem({ violations }: StandIn, name: string, text: string): Answer | null {
  const given = JSON.parse(text) as Record<string, unknown>;
  if (Object.keys(given).join() !== 'body' || typeof given['body'] !== 'string') {
    violations.push(`${name}: ${Object.keys(given).join()}`);
    return { status: 422, json: { message: 'Validation Failed' } };
  }
  return given['body'].length > MOST_CHARACTERS
    ? {
        status: 422,
        json: { message: 'Validation Failed', errors: ['body is too long (maximum is 65536 characters)'] },
      }
    : null;
}

const pullJson = ({ number, state, sha }: StandIn['pulls'][number]) => ({ number, state, head: { sha }, base: {} });
const artifactJson = ({ id, name, run, branch, sha, fork = false, expired = false }: StandIn['artifacts'][number]) => ({
  id,
  name,
  expired,
  workflow_run: { id: run, repository_id: 1, head_repository_id: fork ? 2 : 1, head_branch: branch, head_sha: sha },
});
const commentJson = (one: StandInComment) => ({
  ...one,
  html_url: `https://forge.example/owner/name/pull/7#${one.id}`,
});
