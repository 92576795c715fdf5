// Every knob, in one table: default, range, unit and what it does. The command line makes a flag and an EIGENLENS_ variable
// of each; analysis/config.ts finds the configuration file. Values may be given as text, as flags and variables are.
import { z } from 'zod';
import { checksSchema, ruleSchema } from '../reports/rules.ts';
import { EXIT, nearest, UserError } from './errors.ts';

/** What is said about a knob beside its value. */
export interface About {
  readonly description: string;
  /** Where it stands in the help. */
  readonly group:
    'input' | 'scope' | 'directions' | 'layers and classes' | 'pictures' | 'comparison methods' | 'machine' | 'project';
  readonly unit?: string;
  readonly range?: string;
  /** How its value is written on the command line: N, FILE, a,b … */
  readonly placeholder: string;
  /** A path: resolved against the folder of whoever gave it. */
  readonly path?: boolean;
  /** Does not change any result, so that results are not keyed by it. */
  readonly neutral?: boolean;
}

const numberFromText = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() !== '' ? Number(value) : value;

function whole(fallback: number, min: number, max: number, about: Omit<About, 'placeholder'>) {
  const range = `${min} to ${max}`;
  const schema = z.preprocess(
    numberFromText,
    z
      .int({ error: `a whole number, ${range}` })
      .min(min, `a whole number, ${range}`)
      .max(max, `a whole number, ${range}`),
  );
  return schema.default(fallback).meta({ range, placeholder: 'N', ...about });
}

function real(fallback: number, min: number, max: number, about: Omit<About, 'placeholder'>) {
  const range = `${min} to ${max}`;
  const schema = z.preprocess(
    numberFromText,
    z
      .number({ error: `a number, ${range}` })
      .min(min, `a number, ${range}`)
      .max(max, `a number, ${range}`),
  );
  return schema.default(fallback).meta({ range, placeholder: 'X', ...about });
}

function names(about: Omit<About, 'placeholder'>) {
  const split = (value: unknown): unknown =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : value;
  return z
    .preprocess(split, z.array(z.string().min(1)).readonly())
    .default([])
    .meta({ placeholder: 'a,b', ...about });
}

function path(about: Omit<About, 'placeholder' | 'path'>) {
  return z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ placeholder: 'PATH', path: true, ...about });
}

function name(about: Omit<About, 'placeholder'>) {
  return z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ placeholder: 'NAME', ...about });
}

function choice<const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  about: Omit<About, 'placeholder'>,
) {
  return z
    .enum(choices, { error: `one of ${choices.join(', ')}` })
    .default(choices[0] as never)
    .meta({ placeholder: choices.join('|'), ...about });
}

const BYTES = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

/** Bytes from `4GiB`, `512 MB` or a plain number; anything else comes back as it was. */
export function bytesFromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const match = /^\s*([0-9]*\.?[0-9]+)\s*([kmgt]?i?b?)\s*$/i.exec(value);
  if (!match) return value;
  const unit = match[2]!.toLowerCase();
  const factor = unit === '' ? 1 : BYTES[(unit.endsWith('b') ? unit : `${unit}b`) as keyof typeof BYTES];
  return factor === undefined ? value : Math.round(Number(match[1]) * factor);
}

/** Text that is JSON as what it says; anything else comes back as it was. */
function jsonFromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** `all`, a count, or names. */
function detailFromText(value: unknown): unknown {
  if (typeof value !== 'string' || value === 'all') return value;
  return /^\d+$/.test(value.trim())
    ? Number(value)
    : value
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean);
}

/** `elbow`, `20`, `20,10,10` (in the order of the layers) or `conv1=20,fc=10`. */
function countsFromText(value: unknown): unknown {
  if (typeof value !== 'string' || value === 'elbow') return value;
  const parts = value.split(',').map((part) => part.trim());
  if (parts.every((part) => part.includes('=')))
    return Object.fromEntries(
      parts.map((part) => [part.slice(0, part.lastIndexOf('=')), Number(part.slice(part.lastIndexOf('=') + 1))]),
    );
  return parts.length === 1 ? Number(parts[0]) : parts.map(Number);
}

const perChannel = (value: z.ZodNumber) => z.union([value, z.array(value).min(1).readonly()]);

/** What a --preprocess file may hold; what it leaves out stays as the network's own. */
export const preprocessingSchema = z.strictObject({
  scale: z.number().positive().optional(),
  mean: perChannel(z.number()).optional(),
  std: perChannel(z.number().positive()).optional(),
  channelOrder: z.enum(['rgb', 'bgr', 'grey']).optional(),
  size: z.union([z.int().positive(), z.tuple([z.int().positive(), z.int().positive()]).readonly()]).optional(),
});
export type GivenPreprocessing = z.infer<typeof preprocessingSchema>;

const countSchema = z.int().min(1);

/** `1,3,64,64` as whole numbers. */
function shapeFromText(value: unknown): unknown {
  return typeof value === 'string' ? value.split(/[,x×]/).map((part) => Number(part.trim())) : value;
}

/** The knobs of an analysis. */
export const settingsSchema = z.strictObject({
  samples: path({
    group: 'input',
    neutral: true,
    description:
      'Samples: a folder of images (subfolder = label), .npy, .npz, IDX, IDX.gz, CIFAR binary, .csv, .xyz, .ply',
  }),
  labels: path({
    group: 'input',
    neutral: true,
    description: 'Labels: .npy or IDX of whole numbers, or one a line in .txt or .csv',
  }),
  classes: path({
    group: 'input',
    neutral: true,
    description: 'Class names in the order of the outputs: .txt (one a line) or .json',
  }),
  preprocess: preprocessingSchema
    .nullable()
    .default(null)
    .meta({
      group: 'input',
      placeholder: 'FILE|JSON',
      description: 'How samples become inputs: JSON, in a file or here, with mean, std, scale, channelOrder, size',
    } satisfies About),
  against: path({
    group: 'input',
    neutral: true,
    description: 'A second model for the sanity checks, for example trained on random labels',
  }),
  input: name({ group: 'input', description: 'The input to explain, of a network with several (default: the first)' }),
  output: name({
    group: 'input',
    description: 'The output to explain, of a network with several (default: the first)',
  }),
  inputShape: z
    .preprocess(shapeFromText, z.array(countSchema).min(1).readonly().nullable())
    .default(null)
    .meta({
      group: 'input',
      placeholder: '1,3,64,64',
      unit: 'sizes, batch of 1 included',
      description: 'Shape of the explained input, of a network that leaves it open',
    } satisfies About),
  feed: names({
    group: 'input',
    neutral: true,
    description: 'What the other inputs are fed, each NAME=FILE.npy (default: zeros)',
  }),
  limit: z
    .preprocess(numberFromText, countSchema.nullable())
    .default(null)
    .meta({
      group: 'input',
      placeholder: 'N',
      unit: 'samples',
      range: '1 upwards',
      description:
        'Use only N samples: the first ones, or of a folder with classes equally many of each (default: all)',
    } satisfies About),

  methods: names({ group: 'scope', description: 'Run only these methods (default: all that apply)' }),
  skip: names({ group: 'scope', description: 'Leave these methods out' }),
  layers: z
    .string()
    .min(1)
    .default('*')
    .meta({
      group: 'scope',
      placeholder: 'GLOB',
      description:
        'Layers that are examined one by one: names that fit, with * and {a,b}; sums over layers still count all of them',
    } satisfies About),
  split: names({
    group: 'scope',
    description: 'Layers after which the network is split for output contributions (default: first, middle, last)',
  }),
  detail: z
    .preprocess(detailFromText, z.union([z.int().min(0), z.literal('all'), z.array(z.string()).readonly()]))
    .default(12)
    .meta({
      group: 'scope',
      placeholder: 'N|all|NAMES',
      unit: 'samples',
      description: 'Samples that get their own pictures and pages: wrong ones first, then spread over the classes',
    } satisfies About),
  outputs: whole(1, 1, 100, {
    group: 'scope',
    unit: 'outputs',
    description: 'Outputs explained per detailed sample, highest first',
  }),
  mode: choice(['auto', 'taylor', 'frozen'], {
    group: 'scope',
    description:
      'Interpretation of nonlinear nodes: as each method is defined (auto), derivatives, or gates held fixed',
  }),

  count: whole(10, 1, 1000, { group: 'directions', unit: 'directions', description: 'Directions kept per map' }),
  tolerance: real(1e-4, 1e-7, 1e-1, {
    group: 'directions',
    unit: 'of the largest singular value',
    description: 'Residual below which a direction has converged',
  }),
  gamma: real(0.9, 0.01, 1, {
    group: 'directions',
    unit: 'share of the sum of singular values',
    description: 'What representational power counts up to',
  }),

  k: z
    .preprocess(
      countsFromText,
      z.union([
        z.literal('elbow'),
        countSchema,
        z.array(countSchema).min(1).readonly(),
        z.record(z.string(), countSchema),
      ]),
    )
    .default('elbow')
    .meta({
      group: 'layers and classes',
      placeholder: 'N|N,N,…|LAYER=N,…',
      unit: 'features',
      description: 'Features per layer: for all, in the order of the layers, by name, or the elbow of the spectrum',
    } satisfies About),
  quantile: real(0.85, 0, 0.9999, {
    group: 'layers and classes',
    unit: 'quantile of a layer’s signals',
    description: 'Signals above it are significant',
  }),
  majority: real(0.75, 0.01, 1, {
    group: 'layers and classes',
    unit: 'share of a class’s samples',
    description: 'Samples in which a direction must be significant to belong to a class',
  }),
  clusters: whole(12, 2, 100, {
    group: 'layers and classes',
    unit: 'clusters',
    description: 'Most clusters tried for traces without labels',
  }),
  perplexity: real(30, 2, 500, {
    group: 'layers and classes',
    unit: 'neighbours',
    description: 'Perplexity of the t-SNE embedding; lowered where there are few samples',
  }),
  embedded: whole(1000, 10, 20000, {
    group: 'layers and classes',
    unit: 'samples',
    description: 'Most samples drawn in an embedding',
  }),

  exemplars: whole(4, 0, 50, {
    group: 'pictures',
    unit: 'samples',
    description: 'Exemplary samples shown per direction or group',
  }),
  synthesisSteps: whole(128, 1, 10000, {
    group: 'pictures',
    unit: 'steps',
    description: 'Gradient ascent steps per synthesised input',
  }),
  synthesised: whole(4, 0, 1000, {
    group: 'pictures',
    unit: 'inputs',
    description:
      'Synthesised inputs per layer, for its directions and for its groups of classes each; 0 switches them off',
  }),
  synthesisWork: real(60, 0.001, 1e9, {
    group: 'pictures',
    unit: '10⁹ multiply-adds',
    description: 'What synthesised inputs may cost per layer; fewer steps and fewer inputs beyond it',
  }),
  farRadius: real(3, 0, 1e6, {
    group: 'pictures',
    unit: 'pixels',
    description: 'Distance beyond which the energy of an input-output map counts as far',
  }),
  adversarialStep: real(0.03, 0, 1e3, {
    group: 'pictures',
    unit: 'input units',
    description: 'Size of the one signed-gradient step whose effect on the residual is shown',
  }),

  integratedSteps: whole(32, 2, 1000, {
    group: 'comparison methods',
    unit: 'steps',
    description: 'Points on the path of integrated gradients',
  }),
  smoothSamples: whole(16, 1, 1000, {
    group: 'comparison methods',
    unit: 'noisy copies',
    description: 'Copies averaged by SmoothGrad',
  }),
  smoothNoise: real(0.15, 0, 10, {
    group: 'comparison methods',
    unit: 'of the input’s range',
    description: 'Standard deviation of SmoothGrad’s noise',
  }),
  lrpEpsilon: real(1e-6, 1e-12, 1, {
    group: 'comparison methods',
    unit: 'of the largest pre-activation',
    description: 'Stabiliser of the ε rule of layer-wise relevance propagation',
  }),
  lrpAlpha: real(2, 1, 10, {
    group: 'comparison methods',
    description: 'α of the αβ rule of layer-wise relevance propagation; β = α − 1',
  }),
  occlusionWindow: whole(8, 1, 1000, {
    group: 'comparison methods',
    unit: 'windows a side',
    description: 'Windows along each side of an image for occlusion',
  }),
  limeSamples: whole(256, 10, 100000, {
    group: 'comparison methods',
    unit: 'perturbed copies',
    description: 'Copies that LIME fits its linear model to',
  }),
  limeSegments: whole(36, 2, 1000, {
    group: 'comparison methods',
    unit: 'superpixels',
    description: 'Superpixels that LIME switches on and off',
  }),
  faithfulnessSteps: whole(20, 2, 1000, {
    group: 'comparison methods',
    unit: 'steps',
    description: 'Steps of the deletion and insertion curves',
  }),
  sanitySamples: whole(8, 1, 1000, {
    group: 'comparison methods',
    unit: 'samples',
    description: 'Detailed samples that sanity checks compare pictures of',
  }),

  backend: choice(['auto', 'tfjs-gpu', 'tfjs', 'onnxruntime', 'wasm', 'cpu'], {
    group: 'machine',
    description: 'What computes; a forced one that is missing is an error',
  }),
  memory: z
    .preprocess(bytesFromText, z.int({ error: 'an amount such as 4GiB or 512MiB' }).min(2 ** 24, 'at least 16MiB'))
    .default(2 ** 32)
    .meta({
      group: 'machine',
      placeholder: '4GiB',
      unit: 'bytes',
      range: '16MiB upwards',
      neutral: true,
      description: 'Memory to stay below: blocks shrink, programs give way to others (default: 4GiB)',
    } satisfies About),
  seed: whole(0, 0, 2 ** 31 - 1, { group: 'machine', description: 'Seed of every random draw' }),
});
export type Settings = z.infer<typeof settingsSchema>;
export type SettingName = keyof Settings;

/** What belongs to the project rather than to one analysis. */
export const projectSchema = z.strictObject({
  reports: z
    .string()
    .min(1)
    .default('reports')
    .meta({ group: 'project', placeholder: 'DIR', path: true, description: 'Folder of the reports' } satisfies About),
  out: z
    .string()
    .min(1)
    .default('dist')
    .meta({
      group: 'project',
      placeholder: 'DIR',
      path: true,
      description: 'Folder of the built site',
    } satisfies About),
  base: z
    .string()
    .startsWith('/', 'a path that begins with /')
    .default('/')
    .meta({
      group: 'project',
      placeholder: '/PATH',
      description: 'Path under which the site will stand',
    } satisfies About),
  site: z
    .url('a full address such as https://example.org')
    .nullable()
    .default(null)
    .meta({
      group: 'project',
      placeholder: 'URL',
      description: 'Address of the site, for canonical links',
    } satisfies About),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .meta({ group: 'project', placeholder: 'HOST', description: 'Address that `serve` listens on' } satisfies About),
  port: whole(4000, 0, 65535, { group: 'project', description: 'Port that `serve` listens on; 0 takes a free one' }),
  baseline: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({
      group: 'project',
      placeholder: 'REF|DIR|artifact:NAME|none',
      description:
        'What reports are checked against: a git revision that has them, a folder, an artifact of the base branch, or none',
    } satisfies About),
  checks: z
    .preprocess(jsonFromText, checksSchema)
    .default({ preset: 'recommended', rules: [] })
    .meta({
      group: 'project',
      placeholder: 'JSON',
      description:
        'Rules that reports are held against: {"preset": "recommended", "rules": [{"metric": "accuracy", "min": 0.9}]}',
    } satisfies About),
});
export type Project = z.infer<typeof projectSchema>;

/** What is said about a knob or a project key. */
export function aboutOf(schema: z.ZodType): About {
  return schema.meta() as unknown as About;
}

/**
 * Settings from what is given, defaults for the rest. `where` names the giver in errors; an unknown key is an error that names the nearest one.
 */
export function parseSettings(
  given: Readonly<Record<string, unknown>> = {},
  where: (key: string) => string = (key) => `setting "${key}"`,
): Settings {
  return parseStrictly(settingsSchema, given, where);
}

/** Parses with a strict object schema, telling the first problem as a UserError (exit code 2). */
export function parseStrictly<Schema extends z.ZodObject>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
  where: (key: string) => string,
): z.infer<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys')
    throw unknownKey(issue.keys[0]!, [...issue.path.map(String)], Object.keys(shapeAt(schema, issue.path)), where);
  const key = String(issue.path[0] ?? '');
  const field = schema.shape[key] as z.ZodType | undefined;
  const about = field ? aboutOf(field) : undefined;
  const inside = issue.path.length > 1 ? ` (${issue.path.slice(1).join('.')})` : '';
  const value = valueAt(given, issue.path);
  const close =
    issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String)) : null;
  throw new UserError(`${where(key)}${inside} is ${show(value)}; expected ${expectation(issue, about)}.`, {
    exitCode: EXIT.usage,
    hint: close ? `Did you mean "${close}"?` : about && `${about.description}.`,
  });
}

/** The value that a path leads to; where it was given as text, the whole text. */
function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (value, key) =>
      value !== null && typeof value === 'object' ? (value as Record<PropertyKey, unknown>)[key] : value,
    given,
  );
}

/** An unknown key is an error that names the nearest known one. */
export function unknownKey(
  key: string,
  path: readonly string[],
  known: readonly string[],
  where: (key: string) => string,
): UserError {
  const close = nearest(key, known);
  return new UserError(`Unknown key: ${where(shortened([...path, key].join('.')))}.`, {
    exitCode: EXIT.usage,
    hint: close ? `Did you mean "${close}"?` : `Known keys: ${[...known].sort().join(', ')}.`,
  });
}

function shapeAt(schema: z.ZodObject, path: readonly PropertyKey[]): Record<string, unknown> {
  if (path[0] === 'preprocess') return preprocessingSchema.shape;
  if (path[0] === 'checks') return path[1] === 'rules' ? ruleSchema.shape : checksSchema.shape;
  return schema.shape;
}

function expectation(issue: z.core.$ZodIssue, about: About | undefined): string {
  const generic = /^(Invalid|Too|Expected|Unrecognized)/.test(issue.message);
  if (!generic) return issue.message;
  if (issue.path.length > 1 || !about) return kindOf(issue) ?? issue.message;
  return [about.placeholder, about.range && `(${about.range})`].filter(Boolean).join(' ');
}

/** What a value must be, of a problem that its schema has no words for. */
function kindOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'some text';
    return issue.inclusive === false ? `a number above ${issue.minimum}` : `${issue.minimum} or more`;
  }
  if (issue.code === 'invalid_union')
    return issue.errors.flatMap(([first]) => (first && kindOf(first)) ?? []).join(' or ');
  if (issue.code !== 'invalid_type') return undefined;
  const kinds: Record<string, string> = {
    array: 'a list',
    object: 'an object',
    string: 'text',
    number: 'a number',
    int: 'a whole number',
  };
  return kinds[issue.expected] ?? issue.expected;
}

/** A value as it was given; numbers that JSON cannot hold too. */
function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Longer values are cut in messages. */
const LONGEST = 200;

/** The settings that results depend on: without paths and without what only changes how fast they come. */
export function resultSettings(settings: Settings): Record<string, unknown> {
  const entries = Object.entries(settings).filter(
    ([key]) => !aboutOf(settingsSchema.shape[key as SettingName]).neutral,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
