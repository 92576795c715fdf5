// Names come from files and may be thousands of characters long. Pages draw the ends of a long one and leave out its middle;
// a page about one thing says the whole name once, as its title, and the report holds it.

/** Characters of a name that pages draw, and of a text that holds names. */
const NAME = 80;
const TEXT = 320;
/** Fields that hold what a file or a person named; all others are texts. */
const NAMES = new Set([
  'class',
  'classes',
  'classNames',
  'clusterClasses',
  'feature',
  'from',
  'fullClasses',
  'label',
  'layer',
  'layers',
  'majority',
  'name',
  'neuron',
  'other',
  'output',
  'predicted',
  'prediction',
  'profiles',
  'sample',
  'samples',
  'split',
  'subject',
  'to',
  'unit',
]);
/** What is read by a program is never cut: addresses, equations and commands. */
const WHOLE = new Set(['url', 'array', 'latex', 'expression', 'command', 'wholeName']);

/** A name that can be read: characters that control the screen or turn the text around it are drawn as what they are, unknown. */
export function legibleName(name: string): string {
  return name.replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD').toWellFormed();
}

/** A name with its middle left out where it is longer than `most` characters: the ends tell names apart. */
function shortName(name: string, most = NAME): string {
  if (name.length <= most) return name;
  const head = Math.ceil((most - 1) * 0.6);
  return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
}

/** An answer of GraphQL with every long name and text in it cut. */
export function shortNames<T>(answer: T, key = ''): T {
  if (typeof answer === 'string')
    return (WHOLE.has(key) ? answer : legibleName(shortName(answer, NAMES.has(key) ? NAME : TEXT))) as T;
  if (Array.isArray(answer)) {
    // Long lists of numbers are what most of a report is made of.
    if (typeof answer[0] === 'number') return answer;
    return answer.map((one: unknown) => shortNames(one, key)) as T;
  }
  if (answer === null || typeof answer !== 'object') return answer;
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, shortNames(value, name)])) as T;
}
