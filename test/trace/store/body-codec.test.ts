import { randomBytes } from 'node:crypto';
import { assert, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import {
  BODY_ENCODING,
  baseOf,
  decodeBody,
  encodeBody,
  isDelta,
} from '../../../src/trace/store/body-codec.ts';
import { examples } from '../../support/examples.ts';
import { hl7 } from '../../support/trace-sample.ts';

const none = (): Uint8Array => {
  throw new Error('no base was used');
};

test('any bytes come back, with a base and without', () => {
  assert(
    property(
      uint8Array({ maxLength: 20_000 }),
      uint8Array({ minLength: 128, maxLength: 40_000 }),
      (bytes, base) => {
        const alone = decodeBody(encodeBody(bytes, undefined), none);
        expect(Buffer.compare(alone, bytes)).toBe(0);
        const delta = decodeBody(encodeBody(bytes, baseOf(base)), () => base);
        expect(Buffer.compare(delta, bytes)).toBe(0);
      },
    ),
    { numRuns: examples(50) },
  );
});

test('a message that differs little from the first of its session takes few bytes', () => {
  const first = Buffer.from(hl7('C1', 'M1').repeat(5));
  const second = Buffer.from(hl7('C1', 'M1').repeat(5).replace('WAYBILL', 'WARD'));
  const encoded = encodeBody(second, baseOf(first));
  expect(isDelta(encoded.encoding)).toBe(true);
  expect(encoded.data.byteLength).toBeLessThan(60);
});

test('what does not get smaller is kept as it is, and so is what is small', () => {
  expect(encodeBody(randomBytes(5_000), undefined).encoding).toBe(BODY_ENCODING.raw);
  expect(encodeBody(Buffer.from('MSA|AA|1\r'), Buffer.alloc(500)).encoding).toBe(BODY_ENCODING.raw);
});

test('the kept base holds no more than serves, and not the memory it came from', () => {
  const whole = Buffer.alloc(1_000_000, 'x');
  const base = baseOf(whole);
  expect(base.byteLength).toBe(32 * 1024);
  expect(base.buffer).not.toBe(whole.buffer);
  const large = Buffer.alloc(200_000, 'x');
  expect(
    Buffer.compare(
      decodeBody(encodeBody(large, base), () => whole),
      large,
    ),
  ).toBe(0);
});
