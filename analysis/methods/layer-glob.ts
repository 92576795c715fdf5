// Which layers `--layers` chooses: names with * for anything and {a,b} for alternatives.

/** Whether a layer's name fits the glob. */
export function fitsGlob(name: string, glob: string): boolean {
  const escape = (text: string): string => text.replace(/[.+?^$()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const pattern = glob
    .split(/(\{[^{}]*\})/)
    .map((part) =>
      part.startsWith('{') && part.endsWith('}')
        ? `(?:${part.slice(1, -1).split(',').map(escape).join('|')})`
        : escape(part).replace(/[{}]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${pattern}$`, 's').test(name);
}
