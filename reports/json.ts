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
