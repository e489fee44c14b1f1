import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hl7Batch,
  hl7Document,
  hl7Header,
  readAcknowledgement,
  validate,
} from '../../../src/document/index.ts';
import { isEngineError } from '../../../src/error/engine-error.ts';
import { examples } from '../../support/examples.ts';
import { hl7, hl7Corpus, MSH } from '../../support/hl7-corpus.ts';

const corpus = hl7Corpus();
const messages = corpus.flatMap(({ name, bytes }) =>
  hl7Batch(bytes).messages.map((message, index) => ({
    name: `${name}#${index}`,
    message: Buffer.from(message),
  })),
);

/** What a document says of bytes that may be anything; undefined where it refuses them. */
function reading<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

test('the corpus has messages of every kind', () => {
  expect(corpus.length).toBeGreaterThan(100);
  expect(messages.length).toBeGreaterThan(corpus.length);
});

test('a message that was read everywhere and not changed is written back byte for byte', () => {
  for (const { name, message } of messages) {
    const document = reading(() => hl7Document(message));
    if (document === undefined) continue;
    for (const segment of document.segments()) {
      for (let field = 1; field < 40; field++) segment.all(`${segment.name}-${field}.1`);
    }
    expect(document.bytes(), name).toBe(message);
    expect(document.charset.encode(document.text()).equals(message), name).toBe(true);
  }
});

test('one changed field leaves every other byte as it was', () => {
  for (const { name, message } of messages) {
    const document = reading(() => hl7Document(message));
    if (document === undefined) continue;
    const before = document.segments().map(({ text }) => text);
    document.set('MSH-5', 'RECEIVER');
    const after = hl7Document(document.bytes());
    expect(after.get('MSH-5'), name).toBe('RECEIVER');
    expect(
      after
        .segments()
        .map(({ text }) => text)
        .slice(1),
      name,
    ).toEqual(before.slice(1));
    const header = before[0]?.split(document.delimiters.field) ?? [];
    const written = after.segments()[0]?.text.split(document.delimiters.field) ?? [];
    expect(written.toSpliced(4, 1), name).toEqual(header.toSpliced(4, 1));
  }
});

test('putting back what was read changes nothing', () => {
  for (const { name, message } of messages) {
    const document = reading(() => hl7Document(message));
    if (document === undefined) continue;
    for (const segment of document.segments()) {
      for (let field = 3; field < 12; field++) {
        const path = `${segment.name}-${field}`;
        segment.setRaw(path, segment.raw(path));
      }
    }
    expect(Buffer.from(document.bytes()).equals(message), name).toBe(true);
  }
});

const special = fc.string({
  unit: fc.constantFrom(...Array.from('|^~\\&\r\nHN.brFSTRE0DXZ ä€😀a')),
  maxLength: 20,
});
const value = fc.oneof(special, fc.string({ unit: 'grapheme', maxLength: 20 }));

test('what was written into a component is read again', () => {
  const paths = fc.constantFrom(
    'PID-5.1',
    'PID-5.2',
    'PID-3[2].4.2',
    'OBX[2]-5.1',
    'ZZ1-1.1',
    'NTE-3.1',
  );
  fc.assert(
    fc.property(paths, value, (path, text) => {
      const document = hl7Document(hl7(MSH, 'PID|1||1~2||A^B', 'OBX|1', 'OBX|2|ST|||x'));
      document.set(path, text);
      expect(document.get(path)).toBe(text);
      expect(hl7Document(document.bytes()).get(path)).toBe(text);
    }),
    { numRuns: examples(400) },
  );
});

test('plain text written into a whole field is read again', () => {
  fc.assert(
    fc.property(
      value.filter((text) => !text.includes('^')),
      (text) => {
        const document = hl7Document(hl7(MSH, 'OBX|1|TX|||a~b', 'PV1|1'));
        document.set('OBX-5', text);
        expect(hl7Document(document.bytes()).get('OBX-5')).toBe(text);
        expect(hl7Document(document.bytes()).get('OBX-5[2]')).toBe('b');
        expect(hl7Document(document.bytes()).get('PV1-1')).toBe('1');
      },
    ),
    { numRuns: examples(400) },
  );
});

test('no value can add a segment or a field', () => {
  fc.assert(
    fc.property(value, fc.boolean(), (text, whole) => {
      const document = hl7Document(hl7(MSH, 'PID|1||2|3', 'PV1|1|I'));
      document.set(whole ? 'PID-3' : 'PID-3.1', text);
      const after = hl7Document(document.bytes());
      expect(after.segments().map(({ name }) => name)).toEqual(['MSH', 'PID', 'PV1']);
      expect([after.get('PID-2'), after.get('PID-4'), after.get('PV1')]).toEqual([
        '',
        '3',
        'PV1|1|I',
      ]);
    }),
    { numRuns: examples(400) },
  );
});

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(
      fc.constantFrom(
        'MSH|^~\\&|',
        'MSH^~|\\&^',
        'BHS|^~\\&|',
        '\uFEFFMSH|^~\\&|A|B|C|D|||ADT^A01|1|P|2.5||||||',
        'MSH',
      ),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([start, rest]) => Uint8Array.from([...Buffer.from(start), ...rest])),
  fc
    .tuple(
      fc.constantFrom(...messages.map(({ message }) => message)),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
    )
    .map(([message, at, put]) => {
      const place = at % message.length;
      return Uint8Array.from([
        ...message.subarray(0, place),
        ...put,
        ...message.subarray(place + put.length),
      ]);
    }),
);

test('arbitrary bytes are read or refused, never crash, and survive unchanged', () => {
  fc.assert(
    fc.property(bytes, (body) => {
      hl7Header(body);
      hl7Batch(body);
      reading(() => readAcknowledgement(body));
      const document = reading(() => hl7Document(body));
      if (document === undefined) return;
      document.all('PID-3.1.2');
      document.get('OBX[2]-5');
      validate(document, 'full', { lengths: true });
      expect(document.bytes()).toBe(body);
      expect(Buffer.from(document.charset.encode(document.text())).equals(Buffer.from(body))).toBe(
        true,
      );
      document.set('ZZ1-1.1', 'x');
      expect(hl7Document(document.bytes()).get('ZZ1-1.1')).toBe('x');
    }),
    { numRuns: examples(500) },
  );
});
