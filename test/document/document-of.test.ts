import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentOf, kindOf } from '../../src/document/index.ts';
import { isEngineError } from '../../src/error/engine-error.ts';
import { examples } from '../support/examples.ts';

test.for([
  ['HL7v2:ADT_A01:2.5.1', 'hl7'],
  ['application/hl7-v2', 'hl7'],
  ['application/hl7-v2+er7', 'hl7'],
  ['x-application/hl7-v2+er7', 'hl7'],
  ['application/json', 'json'],
  ['application/fhir+json; charset=utf-8', 'json'],
  ['text/xml', 'xml'],
  ['application/soap+xml', 'xml'],
  ['text/csv', 'delimited'],
  ['text/csv; header=absent', 'delimited'],
  ['text/tab-separated-values', 'delimited'],
  ['text/plain', 'text'],
  ['application/octet-stream', 'text'],
  ['', 'text'],
] as const)('%s is read as %s', ([type, kind]) => {
  expect(kindOf(type)).toBe(kind);
});

test('the charset of the type counts where the caller knows none', () => {
  const bytes = Buffer.from('id;name\n1;M\xfcller\n', 'latin1');
  expect(documentOf(bytes, { type: 'text/csv; charset=iso-8859-1' }).get('name')).toBe('Müller');
  expect(documentOf(bytes, { type: 'text/csv', charset: 'iso-8859-1' }).get('name')).toBe('Müller');
});

test('a csv type can say that there is no header, and its delimiter', () => {
  const bytes = Buffer.from('1|a\n2|b\n');
  expect(documentOf(bytes, { type: 'text/csv; header=absent; delimiter="|"' }).get('[2]/2')).toBe(
    'b',
  );
});

const TYPES = [
  'HL7v2:ADT_A01:2.5.1',
  'application/json',
  'text/xml',
  'text/csv',
  'text/plain',
] as const;
const PATHS = ['PID-3.1', '/a/0', '//a', '[1]/1', '.'];

const body = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .array(
      fc.constantFrom(
        '<a>',
        '</a>',
        '<b c="',
        '"/>',
        '&amp;',
        '<!--',
        '-->',
        'x',
        '"',
        ',',
        '\n',
        '<?xml version="1.0"?>',
      ),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.from(parts.join(''))),
);

const REFUSALS = new Set(['DOCUMENT_UNREADABLE', 'PATH_INVALID', 'MESSAGE_INVALID']);

/** Whether the work ended, or was refused with one of the errors that a body or path may cause. */
function isDone(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (isEngineError(error) && REFUSALS.has(error.code)) return true;
    throw error;
  }
}

test('any bytes as any type are read or refused with an error of the engine, and survive unchanged', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), fc.constantFrom(...PATHS), body, (type, path, bytes) =>
      isDone(() => {
        const document = documentOf(bytes, { type });
        expect(document.bytes()).toBe(bytes);
        document.get(path);
        document.all(path);
        document.has(path);
        const copy = document.copy();
        copy.set(path, 'x<"&,');
        expect(documentOf(copy.bytes(), { type }).get(path)).toBe('x<"&,');
        copy.remove(path);
        documentOf(copy.bytes(), { type });
        expect(document.bytes()).toBe(bytes);
      }),
    ),
    { numRuns: examples(1500) },
  );
});

test('what is wrong with a body is said with its place and without quoting it', () => {
  const bad: readonly [type: string, text: string][] = [
    ['HL7v2:ADT_A01:2.5.1', 'SECRET'],
    ['application/json', '{"SECRET": SECRET}'],
    ['text/xml', '<a>\n<SECRET></a>'],
    ['text/xml', '<a>&SECRET;</a>'],
    ['text/csv', 'a,b\n1,"SECRET\n'],
  ];
  for (const [type, text] of bad) {
    let caught: unknown;
    try {
      documentOf(Buffer.from(text), { type });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: 'DOCUMENT_UNREADABLE',
      message: expect.stringMatching(/\d|well-formed/),
    });
    expect(String(caught)).not.toContain('SECRET');
    expect((caught as Error).cause).toBeUndefined();
  }
});

test('a delimiter that is left empty, or that the end of its parameter swallowed, is found in the first line', () => {
  for (const type of ['text/csv; delimiter=;', 'text/csv; delimiter=', 'text/csv; delimiter=""']) {
    const document = documentOf(Buffer.from('mrn;ward\n7;3\n'), { type });
    expect(document.get('ward'), type).toBe('3');
  }
});
