// Names that users meet (conventions.md, Names): a layer is called after its weights, and no two nodes share a name.

/** A weight's name without its last part (`conv1.weight` → `conv1`); undefined where it has only one. */
export function layerName(weight: string): string | undefined {
  const at = Math.max(weight.lastIndexOf('.'), weight.lastIndexOf('/'));
  return at > 0 ? weight.slice(0, at) : undefined;
}

/** Hands out names: the first to want one gets it, the second gets `#2`, and so on. `taken` are gone already. */
export function nameClaims(taken: Iterable<string> = []): (name: string) => string {
  const gone = new Set(taken);
  const uses = new Map<string, number>();
  return (name) => {
    let use = (uses.get(name) ?? 0) + 1;
    while (gone.has(numbered(name, use))) use++;
    uses.set(name, use);
    gone.add(numbered(name, use));
    return numbered(name, use);
  };
}

const numbered = (name: string, use: number): string => (use === 1 ? name : `${name}#${use}`);
