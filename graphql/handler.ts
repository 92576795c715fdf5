// GraphQL over HTTP as a fetch handler, Request -> Response: for a server, a worker, a function. The reports it answers
// from can be a folder or an HTTP base URL; nothing here needs Node. Yoga speaks the protocol; limits.ts says how much.
import { getOperationAST, getVariableValues, GraphQLError } from 'graphql';
import { createYoga, maskError } from 'graphql-yoga';
import type { Plugin } from 'graphql-yoga';
import { ReportError } from '../reports/errors.ts';
import { digestOf } from '../reports/hash.ts';
import type { Store } from '../reports/reader.ts';
import { answer } from './answer.ts';
import { checkLimits, entriesWithinLimits, LIMITS, parseWithinLimits, refusal } from './limits.ts';
import type { RefusalCode } from './limits.ts';
import { schema } from './schema.ts';
import packageJson from '../package.json' with { type: 'json' };

interface HandlerOptions {
  /** Origins that may ask from a browser (`https://example.org`); none by default. */
  origins?: readonly string[];
  /** Told of errors that askers see only as "Unexpected error." */
  logError?: (error: unknown) => void;
  /** For the body to arrive, and again for the answer. */
  seconds?: number;
  /** Path that GraphQL is asked at; health is beside it. */
  endpoint?: string;
}

export type Handler = (request: Request) => Promise<Response>;

/** Answers `/graphql` (GET and POST) and `/health` from a store; nothing is read before the first request. */
export function createHandler(
  store: Store,
  { origins = [], logError = () => {}, seconds = LIMITS.seconds, endpoint = '/graphql' }: HandlerOptions = {},
): Handler {
  const healthPath = endpoint.replace(/[^/]*$/, 'health');
  const yoga = createYoga({
    schema,
    graphqlEndpoint: endpoint,
    context: { store },
    plugins: [limits],
    multipart: false,
    landingPage: false,
    graphiql: false,
    batching: false,
    logging: false,
    cors: origins.length > 0 && { origin: [...origins], credentials: false, methods: ['GET', 'POST', 'OPTIONS'] },
    maskedErrors: {
      isDev: false,
      maskError(error, message) {
        const original = error instanceof GraphQLError ? error.cause : error;
        if (original instanceof ReportError) return error as GraphQLError;
        const masked = maskError(error, message, false);
        if (masked !== error) logError(original);
        return masked;
      },
    },
  });

  return async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === healthPath) return health(store);
    if (search.length > LIMITS.bodyBytes) return refuse('BODY_TOO_LARGE', 414);
    const body = await within(seconds, bodyWithinLimits(request));
    if (body === 'late') return refuse('TIMEOUT', 408, 'The request did not arrive in time');
    if (body === 'too large') return refuse('BODY_TOO_LARGE', 413);

    const stop = new AbortController();
    const { method, headers } = request;
    const answer = Promise.resolve(
      yoga.fetch(new Request(request.url, { method, headers, body, signal: stop.signal })),
    );
    const response = await within(seconds, answer);
    if (response !== 'late') return withEtag(request, response);
    stop.abort();
    return refuse('TIMEOUT', 503);
  };
}

/** What the promise gives, or 'late'; what comes later is dropped. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T | 'late'> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), seconds * 1000)));
  try {
    promise.catch(() => {});
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tokens are counted while parsing; depth and cost once the variables are known. */
const limits: Plugin = {
  onParse({ setParseFn }) {
    setParseFn(parseWithinLimits as Parameters<typeof setParseFn>[0]);
  },
  onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
    try {
      const operation = getOperationAST(args.document, args.operationName);
      const { errors } = getVariableValues(
        args.schema,
        operation?.variableDefinitions ?? [],
        args.variableValues ?? {},
      );
      if (errors) throw refusal('BAD_USER_INPUT', errors[0]!.message);
      checkLimits(args.schema, args.document, args.operationName, args.variableValues ?? {});
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      setResultAndStopExecution({ errors: [error] });
      return;
    }
    const { store, request } = args.contextValue as unknown as { store: Store; request?: Request };
    const context = { store, entries: entriesWithinLimits() };
    setExecuteFn((given) => answer({ ...given, abortSignal: request?.signal }, context));
  },
};

async function health(store: Store): Promise<Response> {
  try {
    const { length } = await store.list();
    return Response.json({ status: 'ok', version: packageJson.version, reports: length });
  } catch {
    return Response.json({ status: 'unavailable', version: packageJson.version }, { status: 503 });
  }
}

const WHY: Readonly<Partial<Record<RefusalCode, string>>> = {
  BODY_TOO_LARGE: `The request has more than ${LIMITS.bodyBytes} bytes`,
  TIMEOUT: `The query took more than its time`,
};

function refuse(code: RefusalCode, status: number, why = WHY[code] ?? code): Response {
  return Response.json({ errors: [refusal(code, why).toJSON()].map(withoutHttp) }, { status });
}

function withoutHttp({ message, extensions }: { message: string; extensions?: Record<string, unknown> }) {
  return { message, extensions: { code: extensions?.code } };
}

/** The body as bytes, read no further than the limit. */
async function bodyWithinLimits(request: Request): Promise<Uint8Array<ArrayBuffer> | null | 'too large'> {
  if (!request.body) return null;
  if (Number(request.headers.get('content-length')) > LIMITS.bodyBytes) return 'too large';
  const bytes = new Uint8Array(LIMITS.bodyBytes);
  let length = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.slice(0, length);
    if (length + value.length > bytes.length) {
      await reader.cancel();
      return 'too large';
    }
    bytes.set(value, length);
    length += value.length;
  }
}

/** Reports do not change under the reader, so equal answers are equal bytes: a GET that has them already gets a 304. */
async function withEtag(request: Request, response: Response): Promise<Response> {
  const text = await response.text();
  const headers = new Headers(response.headers);
  headers.set('x-content-type-options', 'nosniff');
  if (response.status !== 200) return new Response(text || null, { status: response.status, headers });
  const etag = `"${(await digestOf(text)).slice(0, 32)}"`;
  headers.set('etag', etag);
  headers.set('cache-control', 'no-cache');
  headers.append('vary', 'accept');
  const known = request.headers.get('if-none-match')?.split(/\s*,\s*/);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && known?.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)) {
    headers.delete('content-length');
    return new Response(null, { status: 304, headers });
  }
  return new Response(text, { status: 200, headers });
}
