// Numbers that an op derives from its node (index lists, matrices, borders), made once: kernel backends know a constant by
// its array, so that a second array with the same numbers would be kept a second time.

const made = new WeakMap<object, Map<string, unknown>>();

/** What `make` gives, the same object for the same owner (a node's attributes or parameters) and key. */
export function remembered<T>(owner: object, key: string, make: () => T): T {
  let known = made.get(owner);
  if (!known) made.set(owner, (known = new Map()));
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as T;
}
