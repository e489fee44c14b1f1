import { expectTypeOf, test } from 'vitest';
import type { Document } from '../../src/document/document.ts';
import { defineTransform, type TransformFunction } from '../../src/transform/define-transform.ts';
import type { TransformInput } from '../../src/transform/transform.ts';

test('the input is typed without being told', () => {
  defineTransform((input) => {
    expectTypeOf(input).toEqualTypeOf<TransformInput>();
    expectTypeOf(input.document).toEqualTypeOf<Document>();
    expectTypeOf(input.lookup('wards', 'W1')).toEqualTypeOf<string>();
    return input.document;
  });
});

test('texts, bytes, documents, described bodies and lists of them may be given, now or later', () => {
  expectTypeOf<() => string>().toExtend<TransformFunction>();
  expectTypeOf<() => Uint8Array>().toExtend<TransformFunction>();
  expectTypeOf<() => Document[]>().toExtend<TransformFunction>();
  expectTypeOf<() => { body: string; type: string; name: string }>().toExtend<TransformFunction>();
  expectTypeOf<
    () => Promise<readonly (string | { body: Uint8Array })[]>
  >().toExtend<TransformFunction>();
  expectTypeOf<() => never[]>().toExtend<TransformFunction>();
});

test('nothing else may be given', () => {
  expectTypeOf<() => void>().not.toExtend<TransformFunction>();
  expectTypeOf<() => undefined>().not.toExtend<TransformFunction>();
  expectTypeOf<() => { type: string }>().not.toExtend<TransformFunction>();
  expectTypeOf<() => { body: number }>().not.toExtend<TransformFunction>();
  // @ts-expect-error a transform gives a message
  defineTransform(() => 5);
});
