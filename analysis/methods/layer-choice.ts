// A layer that a user named and the network does not have.
import { EXIT, nearest, UserError } from '../errors.ts';
import type { Layer } from '../network/layers.ts';

/** Throws a UserError that names the closest layer. */
export function unknownLayer(name: string, layers: readonly Layer[]): never {
  const names = layers.map((layer) => layer.name);
  const close = nearest(name, names);
  throw new UserError(`The network has no layer "${name}".`, {
    exitCode: EXIT.usage,
    hint: close
      ? `Did you mean "${close}"?`
      : `Layers: ${names.slice(0, 30).join(', ')}${names.length > 30 ? ', …' : ''}.`,
  });
}
