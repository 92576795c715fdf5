// Deterministic JSON: sorted keys, numbers to 9 significant digits (whole numbers exactly), short values on one line,
// so that equal reports are equal bytes and a change reads well as a line-by-line difference.

const WIDTH = 120;

/** What a number becomes in a report: at most 9 significant digits, no negative zero; whole numbers stay as they are. */
export function roundNumber(x: number): number {
  return Number.isInteger(x) ? x + 0 : Number(x.toPrecision(9)) + 0;
}

/** JSON text ending in a newline; a number that is not finite is an error that names its path. */
export function toJson(value: unknown): string {
  return `${render(value, '', '')}\n`;
}

function render(value: unknown, indent: string, path: string): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`${path || 'value'}: ${value} is not finite`);
    return String(roundNumber(value));
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const entries = value.map((entry, i) => render(entry, deeper, `${path}[${i}]`));
    // Numbers and words stay on one line however many there are: one line per singular value helps nobody.
    const flat = value.every((entry) => typeof entry !== 'object' || entry === null);
    return layOut(entries, '[]', indent, flat ? Infinity : WIDTH);
  }
  const keys = Object.keys(value).sort();
  const fields = keys.flatMap((key) => {
    const entry = (value as Record<string, unknown>)[key];
    return entry === undefined
      ? []
      : [`${JSON.stringify(key)}: ${render(entry, deeper, path ? `${path}.${key}` : key)}`];
  });
  return layOut(fields, '{}', indent, WIDTH);
}

function layOut(entries: readonly string[], [open, close]: string, indent: string, width: number): string {
  if (entries.length === 0) return `${open}${close}`;
  const length = entries.reduce((sum, entry) => sum + entry.length + 2, indent.length);
  if (length <= width && !entries.some((entry) => entry.includes('\n'))) {
    return open === '{' ? `{ ${entries.join(', ')} }` : `[${entries.join(', ')}]`;
  }
  return `${open}\n${entries.map((entry) => `${indent}  ${entry}`).join(',\n')}\n${indent}${close}`;
}

/**
 * The JSON of each entry of `{ "<key>": [ … ] }`, UTF-8 as given. Nothing is parsed where the file is laid out as above, one
 * entry after the other at the second level: no line within an entry begins there, and none within a string at all.
 */
export function entriesOf(key: string, bytes: Uint8Array): Uint8Array[] {
  // A character for each byte, whatever it stands for.
  const text = new TextDecoder('latin1').decode(bytes);
  const [before, between, after] = [`{\n  ${JSON.stringify(key)}: [\n    `, ',\n    {', '\n  ]\n}\n'];
  if (!text.startsWith(`${before}{`) || !text.endsWith(after)) {
    const list = (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown[]>)[key]!;
    return list.map((entry) => new TextEncoder().encode(JSON.stringify(entry)));
  }
  const entries: Uint8Array[] = [];
  for (let start = before.length; ;) {
    const next = text.indexOf(between, start);
    entries.push(bytes.subarray(start, next < 0 ? bytes.length - after.length : next));
    if (next < 0) return entries;
    start = next + between.length - 1;
  }
}
