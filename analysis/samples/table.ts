// Tables: rows of numbers separated by comma, semicolon or tab; a header names the features, and a column called
// label, class or target holds the labels.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { UserError } from '../errors.ts';
import { fileDigest } from './bytes.ts';
import { areLabels, labelsFromText, type Labels } from './labels.ts';
import type { OpenOptions, SampleSource } from './source.ts';

const LABEL_COLUMN = /^(label|labels|class|target)$/i;

/** The fields of a line; quotes keep separators, doubled quotes stand for one. */
function fieldsOf(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((field) => field.trim());
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '"') {
      const doubled = quoted && line[i + 1] === '"';
      if (doubled) field += line[i++]!;
      else quoted = !quoted;
    } else if (character === separator && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += character;
  }
  return [...fields, field.trim()];
}

const separatorOf = (line: string): string => ['\t', ';', ','].find((separator) => line.includes(separator)) ?? ',';
const isNumber = (text: string): boolean => text !== '' && !Number.isNaN(Number(text));

/** Samples of a table. Numbers are kept in memory, four bytes each. */
export async function openTable(path: string, { limit }: OpenOptions): Promise<SampleSource> {
  const where = basename(path);
  const file = createReadStream(path);
  const lines = createInterface({
    input: path.endsWith('.gz') ? file.pipe(createGunzip()) : file,
    crlfDelay: Infinity,
  });
  let separator: string | undefined;
  let header: string[] | null = null;
  let labelColumn = -1;
  let width = 0;
  let lineNumber = 0;
  let rows = 0;
  let values = new Float32Array(1 << 14);
  const labelTexts: string[] = [];
  for await (const line of lines) {
    lineNumber++;
    const text = lineNumber === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') continue;
    if (text.includes('\u0000'))
      throw new UserError(`${where} is not text.`, { hint: 'Tables are rows of numbers separated by commas.' });
    const fields = fieldsOf(text, (separator ??= separatorOf(text)));
    if (width === 0) {
      width = fields.length;
      // A first line without any number names the columns; a lone word among numbers is a mistake, told below.
      if (!fields.some(isNumber)) {
        header = fields;
        labelColumn = fields.findIndex((field) => LABEL_COLUMN.test(field));
        continue;
      }
    }
    if (fields.length !== width) {
      throw new UserError(`Line ${lineNumber} of ${where} has ${fields.length} fields; the first line has ${width}.`, {
        hint: 'Every line needs as many fields as the first.',
      });
    }
    const size = width - (labelColumn >= 0 ? 1 : 0);
    if ((rows + 1) * size > values.length) {
      const larger = new Float32Array(Math.max(values.length * 2, size));
      larger.set(values);
      values = larger;
    }
    let at = rows * size;
    for (const [column, field] of fields.entries()) {
      if (column === labelColumn) {
        labelTexts.push(field);
        continue;
      }
      if (!isNumber(field)) {
        const name = header ? ` (${header[column]})` : '';
        throw new UserError(
          `Line ${lineNumber} of ${where}, column ${column + 1}${name}, is ${field === '' ? 'empty' : `"${field}"`}, not a number.`,
          {
            hint: 'Fill in or remove rows with missing values; encode words as numbers.',
          },
        );
      }
      values[at++] = Number(field);
    }
    rows++;
  }
  if (rows === 0)
    throw new UserError(`${where} holds no rows of numbers.`, {
      hint: 'Samples are a folder of images or point clouds, .npy, .npz, IDX (.gz), CIFAR binary, .csv, .xyz or .ply.',
    });
  const size = width - (labelColumn >= 0 ? 1 : 0);
  const regression = labelTexts.length > 0 && labelTexts.every(isNumber) && !areLabels(labelTexts.map(Number));
  const labels: Labels | null = labelTexts.length > 0 && !regression ? labelsFromText(labelTexts, where) : null;
  return {
    format: 'table',
    kind: 'vector',
    shape: [size],
    total: rows,
    count: Math.min(rows, limit ?? rows),
    chosen: null,
    pixels: false,
    labels,
    featureNames: header ? header.filter((_, column) => column !== labelColumn) : null,
    notes: regression
      ? [`Column "${header![labelColumn]}" of ${where} is a target that is no class; it is left out.`]
      : [],
    name: String,
    read: (start, end) => Promise.resolve(values.slice(start * size, end * size)),
    digest: () => fileDigest(path),
  };
}
