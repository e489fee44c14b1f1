import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PDU, PduReader } from '../../../adapters/dicom/pdu.ts';

/** A unit as it is sent. */
function unit(type: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(body.byteLength, 2);
  return Buffer.concat([head, body]);
}

const UNITS = fc.array(
  fc.tuple(
    fc.constantFrom(PDU.data, PDU.releaseRequest, PDU.abort),
    fc.uint8Array({ maxLength: 40 }),
  ),
  { maxLength: 6 },
);
const SIZES = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

test('units are the same however their bytes are cut into chunks', () => {
  fc.assert(
    fc.property(UNITS, SIZES, (units, sizes) => {
      const bytes = Buffer.concat(units.map(([type, body]) => unit(type, body)));
      const reader = new PduReader(100);
      const found = [];
      for (let at = 0, n = 0; at < bytes.length; n++) {
        const size = sizes[n % sizes.length] ?? 1;
        found.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(found.map(({ type, body }) => [type, [...body]])).toEqual(
        units.map(([type, body]) => [type, [...body]]),
      );
    }),
  );
});

test('a unit that is longer than agreed is refused as soon as its header is there', () => {
  const head = unit(PDU.data, new Uint8Array(101)).subarray(0, 6);
  expect(() => new PduReader(100).push(head)).toThrow(/101 bytes/);
  const reader = new PduReader(100);
  expect(reader.push(head.subarray(0, 5))).toEqual([]);
  expect(() => reader.push(head.subarray(5))).toThrow(/101 bytes/);
});
