// Numbers for people: as many digits as mean something, the same form everywhere, and a dash for what is not there.

const MINUS = '−';
const MISSING = '–';
/** A number and its unit stay on one line. */
const GAP = '\u00a0';
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
/** By decimals: making one takes far longer than using it, and a large report prints a million numbers. */
const formatters = new Map<number, Intl.NumberFormat>();

/** Thousands separated, so many decimals, a true minus sign. */
function formatDecimals(value: number, decimals: number): string {
  let formatter = formatters.get(decimals);
  if (!formatter) {
    formatter = new Intl.NumberFormat('en-GB', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formatters.set(decimals, formatter);
  }
  return formatter.format(value).replace('-', MINUS);
}

/** A count with thousands separated: 1,111,946. */
export function formatCount(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  return formatDecimals(Math.round(value), 0);
}

/** Large counts in short: 1.11 M, 56.3 k. */
export function formatShortCount(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    // 999,950 would print as 1000 k: the next unit starts where three digits round up.
    if (Math.abs(value) >= size * 0.99995) return `${formatNumber(value / size)}${GAP}${unit}`;
  }
  return formatNumber(value);
}

/** Three significant digits (or `digits`); very small and very large values as powers of ten: 0.402, 12.3, 3.2 × 10⁻⁷. */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  if (value === 0) return '0';
  // Rounded first: 0.9996 is 1.00, not 1.000.
  const size = Math.abs(Number(value.toPrecision(digits)));
  if (size < 1e-3 || size >= 1e6) return formatPower(value, digits - 1);
  if (Number.isInteger(value)) return formatCount(value);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return formatDecimals(value, decimals);
}

/** With its sign, for terms of a sum: +1.20, −0.40. */
export function formatSigned(value: number | null | undefined, digits = 3): string {
  const text = formatNumber(value, digits);
  return value != null && value > 0 ? `+${text}` : text;
}

/** A share of one as a percentage with one decimal: 97.0 %. Never 100 % or 0 % for what is not exactly that. */
export function formatShare(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  if (value > 0 && value < 0.0005) return `<${GAP}0.1${GAP}%`;
  if (value < 1 && value >= 0.9995) return `>${GAP}99.9${GAP}%`;
  const percent = value * 100;
  return `${(Number.isInteger(percent) ? percent.toFixed(0) : percent.toFixed(1)).replace('-', MINUS)}${GAP}%`;
}

/** A relative error in one significant digit: 3 × 10⁻⁷. */
export function formatError(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  if (value === 0) return '0';
  return Math.abs(value) < 0.01 ? formatPower(value, 0) : formatNumber(value, 2);
}

/** A shape without its batch dimension of 1: 28 × 28, 64 × 14 × 14. */
export function formatShape(shape: readonly number[] | null | undefined): string {
  if (!shape) return MISSING;
  const own = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape;
  return own.length === 0 ? 'one number' : own.map((size) => formatCount(size)).join(' × ');
}

/** "1 layer", "8 layers". */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** The middle of a list, or null for an empty one. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function formatPower(value: number, decimals: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(decimals).split('e');
  const power = [...String(Math.abs(Number(exponent)))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('');
  return `${mantissa.replace('-', MINUS)}${GAP}×${GAP}10${Number(exponent) < 0 ? '⁻' : ''}${power}`;
}
