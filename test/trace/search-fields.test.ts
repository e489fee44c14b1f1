import { expect, test } from 'vitest';
import { searchFields, searchFingerprint } from '../../src/trace/search-fields.ts';
import { hl7 } from '../support/trace-sample.ts';

const HL7 = { type: 'HL7v2:ADT_A01:2.5.1' };
const fields = searchFields(
  new Map([
    ['mrn', 'PID-3.1'],
    ['visit', 'PV1-19.1'],
    ['order', '/order/id'],
  ]),
);

test('HL7 gives its control id always, and every repetition of a field once', () => {
  const body = hl7('C1', 'M1').replace('M1^^^MAIN^MR', 'M1^^^MAIN^MR~M2^^^OLD^MR~M1^^^X^MR');
  expect(fields(Buffer.from(body), HL7)).toEqual([
    { name: 'control-id', value: 'C1' },
    { name: 'mrn', value: 'M1' },
    { name: 'mrn', value: 'M2' },
    { name: 'visit', value: 'V100' },
  ]);
});

test('a path is read only from the kind of document it is written for', () => {
  const json = Buffer.from('{"order":{"id":"4711"}}');
  expect(fields(json, { type: 'application/json' })).toEqual([{ name: 'order', value: '4711' }]);
  const xml = Buffer.from('<order><id>4712</id></order>');
  expect(fields(xml, { type: 'application/xml' })).toEqual([{ name: 'order', value: '4712' }]);
  expect(fields(Buffer.from('PID-3.1'), { type: 'text/plain' })).toEqual([]);
});

test.for([
  ['nothing', '', 'HL7v2:ADT_A01:2.5.1'],
  ['no HL7', 'hello', 'HL7v2:ADT_A01:2.5.1'],
  ['broken JSON', '{"order":', 'application/json'],
  ['broken XML', '<order>', 'application/xml'],
  ['an unknown type', 'x', 'application/x-unknown'],
] as const)('%s has no keys and stops nothing', ([, text, type]) => {
  expect(fields(Buffer.from(text), { type })).toEqual([]);
});

test('the fingerprint tells search fields apart, whatever their order', () => {
  const one = searchFingerprint(
    new Map([
      ['a', 'PID-3'],
      ['b', 'PV1-2'],
    ]),
  );
  expect(
    searchFingerprint(
      new Map([
        ['b', 'PV1-2'],
        ['a', 'PID-3'],
      ]),
    ),
  ).toBe(one);
  expect(
    searchFingerprint(
      new Map([
        ['a', 'PID-4'],
        ['b', 'PV1-2'],
      ]),
    ),
  ).not.toBe(one);
});
