// What the pages ask for and link to, held against the schema, the methods and the glossary.
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { sdl } from '../../graphql/sdl.ts';
import * as documents from '../../src/lib/documents.ts';
import { METHODS, TERMS } from '../../src/lib/glossary.ts';

const { LAYER_FIELDS, SAMPLE_FIELDS, MODEL_FIELDS, ...queries } = documents;
const ids = [...METHODS, ...TERMS].map(({ id }) => id);

describe('the contract of the pages', () => {
  test.each(Object.entries(queries))('the document %s is valid against the schema', (_, document) => {
    expect(validate(buildSchema(sdl), parse(document)).map(({ message }) => message)).toEqual([]);
  });

  test('an entry of the glossary has an id of its own', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('every method has an entry of the same id', async () => {
    const { METHODS: methods } = await import('../../analysis/methods/index.ts');
    expect(methods.map(({ id }) => id).filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('every section of a page is explained', () => {
    const sections = [LAYER_FIELDS, SAMPLE_FIELDS, MODEL_FIELDS].flatMap((fields) => Object.keys(fields));
    expect(sections.filter((id) => !ids.includes(id))).toEqual([]);
  });
});
