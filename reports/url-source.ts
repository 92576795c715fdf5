// Reports behind a base URL: the `reports/` that a static site publishes, or any file server. Needs fetch and nothing else.
import { ReportError } from './errors.ts';
import { sha256 } from './hash.ts';
import type { ReportSource } from './reader.ts';

/** index.json: what a list of reports needs, so that it can be had where folders cannot be listed. */
export interface ReportIndex {
  readonly reports: readonly {
    readonly id: string;
    readonly name: string;
    readonly format: string;
    readonly digest: string;
    readonly parameterCount: number;
    readonly accuracy: number | null;
    readonly layers: number;
    readonly samples: number;
  }[];
}

interface UrlSourceOptions {
  /** Defaults to the platform's. */
  fetch?: (url: string, init?: RequestInit) => Promise<Response>;
  /** For how long report.json is taken as current without asking again. */
  maxAgeSeconds?: number;
}

/** Reports under a base URL (`https://example.org/audit/reports/`), found through its index.json. */
export function urlSource(
  base: string,
  { fetch = (url, init) => globalThis.fetch(url, init), maxAgeSeconds = 5 }: UrlSourceOptions = {},
): ReportSource {
  const root = base.endsWith('/') ? base : `${base}/`;
  const heads = new Map<string, { stamp: string; text: string; validators: Record<string, string>; askedAt: number }>();

  let index: { ids: readonly string[]; validators: Record<string, string> } | undefined;

  async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const url = root + path.split('/').map(encodeURIComponent).join('/');
    let response: Response;
    try {
      // Without the option `cache`, which some hosts of fetch handlers refuse.
      response = await fetch(url, { headers });
    } catch (cause) {
      throw new ReportError('REPORT_UNREACHABLE', `Cannot reach ${path}: ${String(cause)}`, { hint: url, cause });
    }
    if (response.ok || response.status === 304 || response.status === 404) return response;
    throw new ReportError('REPORT_UNREACHABLE', `Cannot read ${path}: the server answers ${response.status}`, {
      hint: url,
    });
  }

  return {
    name: root,
    async list() {
      const response = await get('index.json', index?.validators);
      if (response.status === 304 && index) return index.ids;
      if (response.status === 404) return [];
      try {
        const { reports } = (await response.json()) as ReportIndex;
        index = { ids: reports.map(({ id }) => id).sort(), validators: validatorsOf(response) };
        return index.ids;
      } catch (cause) {
        throw new ReportError('REPORT_CORRUPT', `index.json is damaged: ${String(cause)}`, { hint: root, cause });
      }
    },
    async head(id, { fresh = false } = {}) {
      let known = heads.get(id);
      if (known && !fresh && Date.now() - known.askedAt < maxAgeSeconds * 1000)
        return { ...known, text: textOf(known.text) };
      const askedAt = Date.now();
      const response = await get(`${id}/report.json`, known?.validators);
      if (response.status === 404) {
        heads.delete(id);
        return null;
      }
      if (response.status === 304 && known) {
        known.askedAt = askedAt;
      } else {
        const text = await response.text();
        known = { stamp: sha256(text), text, validators: validatorsOf(response), askedAt };
        heads.set(id, known);
      }
      return { stamp: known.stamp, text: textOf(known.text) };
    },
    async read(id, path) {
      const response = await get(`${id}/${path}`);
      return response.status === 404 ? null : new Uint8Array(await response.arrayBuffer());
    },
    async bytes(_, path) {
      // A site keeps the pictures and arrays of all its reports together, beside the folder of the reports.
      const response = await get(`../${path}`);
      return response.status === 404 ? null : new Uint8Array(await response.arrayBuffer());
    },
  };
}

function textOf(text: string): () => Promise<string> {
  return () => Promise.resolve(text);
}

function validatorsOf(response: Response): Record<string, string> {
  const etag = response.headers.get('etag');
  const modified = response.headers.get('last-modified');
  return { ...(etag ? { 'if-none-match': etag } : {}), ...(modified ? { 'if-modified-since': modified } : {}) };
}
