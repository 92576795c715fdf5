// Permanent anchors: made from what a thing is called, so that a link to a finding survives a rebuild.

/** Lower-case letters, digits and dashes; the same text gives the same anchor. */
export function slug(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return plain === '' ? 'x' : plain;
}

/** Anchors for a list, each unique: a second one of the same name gets `-2`. */
export function anchors(names: readonly string[], prefix: string): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const anchor = `${prefix}-${slug(name)}`;
    const count = (seen.get(anchor) ?? 0) + 1;
    seen.set(anchor, count);
    return count === 1 ? anchor : `${anchor}-${count}`;
  });
}
