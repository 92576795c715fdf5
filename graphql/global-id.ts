// Global ids and cursors: base64url of `Type:key`, the same on every machine; opaque to clients.
import { refusal } from './limits.ts';

/** What a report is addressed by. A report's id has no slash, so the first one ends it. */
export type GlobalKey =
  | { readonly type: 'Model'; readonly report: string }
  | { readonly type: 'Layer' | 'Sample'; readonly report: string; readonly name: string };

/** The id of a model, layer or sample. */
export function globalId(key: GlobalKey): string {
  return encode(key.type === 'Model' ? `Model:${key.report}` : `${key.type}:${key.report}/${key.name}`);
}

/** What an id stands for, or null when it is none of ours. */
export function readGlobalId(id: string): GlobalKey | null {
  const text = decode(id);
  const [, type, report, name] = text?.match(/^(Model|Layer|Sample):([^/]+)(?:\/(.*))?$/s) ?? [];
  if (!report) return null;
  if (type === 'Model') return name === undefined ? { type, report } : null;
  return name === undefined ? null : { type: type as 'Layer' | 'Sample', report, name };
}

/** A cursor after the entry with this key. */
export function cursor(key: string | number): string {
  return encode(`after:${key}`);
}

/** The key that a cursor was made of; a refusal when it is not a cursor. */
export function readCursor(after: string): string {
  const text = decode(after);
  if (text?.startsWith('after:')) return text.slice('after:'.length);
  throw refusal('BAD_USER_INPUT', `after: ${JSON.stringify(after.slice(0, 80))} is not a cursor`, 200);
}

function encode(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function decode(id: string): string | null {
  if (!/^[\w-]+$/.test(id)) return null;
  try {
    const binary = atob(id.replaceAll('-', '+').replaceAll('_', '/'));
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}
