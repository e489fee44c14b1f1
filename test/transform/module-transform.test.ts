import { describe, expect, test } from 'vitest';
import type { Document } from '../../src/document/document.ts';
import { defineTransform, type MadeMessages } from '../../src/transform/define-transform.ts';
import { moduleTransform } from '../../src/transform/module-transform.ts';
import type { TransformOutput } from '../../src/transform/transform.ts';
import { ADMISSION, scopeOf } from '../support/subject-message.ts';
import { inputOf, textOf } from '../support/transform-reading.ts';

const MARKER = 'SECRET-4711';
const scope = scopeOf(ADMISSION.replace('DOE', MARKER), { name: 'in.hl7', charset: 'utf-8' });

/** What JavaScript lets anybody throw. */
const NO_ERROR = MARKER as unknown as Error;
const HEADER = 'MSH|^~\\&|||||||ACK|1|P|2.4';

/** What a transform's function makes of the admission. */
async function made(transform: unknown): Promise<TransformOutput[]> {
  const found = moduleTransform('letter', transform);
  if (found === undefined) throw new Error('it is no transform');
  return await found.apply(inputOf(scope));
}

describe('what a transform may give', () => {
  test.for<[string, () => MadeMessages, Partial<TransformOutput>[], string]>([
    ['a text', () => HEADER, [{ type: 'HL7v2:ACK:2.4', name: 'in.hl7', charset: 'utf-8' }], HEADER],
    ['bytes', () => Buffer.from(HEADER), [{ type: 'HL7v2:ACK:2.4' }], HEADER],
    [
      'a body with what is known of it',
      () => ({ body: '{}', type: 'application/json', name: 'a.json' }),
      [{ type: 'application/json', name: 'a.json', charset: 'utf-8' }],
      '{}',
    ],
    [
      'several messages',
      () => ['a', { body: Buffer.from('b'), type: 'text/plain', charset: 'iso-8859-1' }],
      [{ charset: 'utf-8' }, { type: 'text/plain', charset: 'iso-8859-1' }],
      'a',
    ],
    ['none', () => [], [], ''],
  ])('%s', async ([, transform, outputs, text]) => {
    const result = await made(transform);
    expect(result).toMatchObject(outputs);
    expect(result).toHaveLength(outputs.length);
    expect(textOf(result[0])).toBe(text);
  });

  test('the document it got, changed, with the type that MSH then says', async () => {
    const result = await made(
      defineTransform(({ document }) => {
        document.set('MSH-9.2', 'A08');
        return document;
      }),
    );
    expect(result).toMatchObject([{ type: 'HL7v2:ADT_A08:2.5.1' }]);
    expect(textOf(result[0])).toContain('|ADT^A08^ADT_A01|');
    expect(scope.document().get('MSH-9.2')).toBe('A01');
  });

  test('a message later', async () => {
    const result = await made(
      defineTransform(async ({ document, lookup }) => {
        await Promise.resolve();
        return { body: document.get('PV1-2') + lookup('wards', 'W1', '?'), type: 'text/plain' };
      }),
    );
    expect(textOf(result[0])).toBe('I?');
  });
});

describe('a transform that fails', () => {
  test.for<[string, unknown, RegExp]>([
    [
      'by throwing',
      ({ document }: { document: Document }) => {
        throw new TypeError(`cannot read ${document.get('PID-5')}`);
      },
      /^Transform letter threw TypeError at module-transform\.test\.ts:\d+:\d+\.$/,
    ],
    [
      'by rejecting',
      async ({ document }: { document: Document }) => {
        await Promise.resolve();
        JSON.parse(document.get('PID-5'));
      },
      /^Transform letter threw SyntaxError/,
    ],
    [
      'with something that is not an error',
      () => Promise.reject(NO_ERROR),
      /^Transform letter threw something that is not an error\.$/,
    ],
    [
      'with an error of the document',
      ({ document }: { document: Document }) => document.set('PID', 'x'),
      /^Transform letter: PID is a whole segment/,
    ],
    [
      'with nothing',
      () => undefined,
      /^Transform letter: it returned something that is not a message/,
    ],
    [
      'with null in a list',
      () => [null],
      /^Transform letter: it returned something that is not a message/,
    ],
    [
      'with a body that is none',
      () => ({ body: { secret: MARKER } }),
      /^Transform letter: it returned something that is not a message/,
    ],
    [
      'with a type that is none',
      () => ({ body: '', type: 'ADT-A01' }),
      /^Transform letter: it returned something that is not a type/,
    ],
  ])('%s', async ([, transform, message]) => {
    const failing = made(transform);
    await expect(failing).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      retryable: false,
      message: expect.stringMatching(message),
    });
    await expect(failing).rejects.not.toThrow(MARKER);
  });

  test('keeps no cause, since a parser quotes what it reads', async () => {
    const failing = made(() => JSON.parse(MARKER));
    await expect(failing).rejects.not.toHaveProperty('cause');
  });
});

test('only a function is a transform', () => {
  expect(moduleTransform('x', undefined)).toBeUndefined();
  expect(moduleTransform('x', { apply: () => [] })).toBeUndefined();
});
