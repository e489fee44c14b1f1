import { expect, test } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

const BODY = hl7(MSH, 'PID|1||123', 'OBX|1|NM|a||1', 'OBX|2|ST|b||2~3', 'NTE|1');

test('in a loop over segments a path means the segment at hand', () => {
  const document = hl7Document(BODY);
  const read = document
    .segments('OBX')
    .map((obx) => [obx.get('OBX-5'), obx.all('OBX-5'), obx.get('OBX[1]-5'), obx.get('PID-3')]);
  expect(read).toEqual([
    ['1', ['1'], '1', '123'],
    ['2', ['2', '3'], '1', '123'],
  ]);
});

test('writing and removing reach the segment at hand and, by number, any other', () => {
  const document = hl7Document(BODY);
  for (const obx of document.segments('OBX')) {
    if (obx.get('OBX-2') === 'NM') obx.set('OBX-6', 'mg');
    else obx.remove('OBX-5[1]');
    obx.set('OBX[1]-8', obx.get('OBX-1'));
    obx.set('NTE-3', 'seen');
  }
  expect(document.text().split('\r').slice(2, -1)).toEqual([
    'OBX|1|NM|a||1|mg||2',
    'OBX|2|ST|b||3',
    'NTE|1||seen',
  ]);
});

test('a segment stays the same while others come and go', () => {
  const document = hl7Document(BODY);
  const [first, second] = document.segments('OBX');
  document.insertBefore('OBX', 'OBR', { 1: '1' });
  first?.remove('OBX');
  second?.set('OBX-1', '1');
  if (second !== undefined) document.insertAfter(second, 'ZZZ', { 1: 'after' });
  expect(document.text().split('\r').slice(2, -1)).toEqual([
    'OBR|1',
    'OBX|1|ST|b||2~3',
    'ZZZ|after',
    'NTE|1',
  ]);
});

test('it is a document of the whole message otherwise', () => {
  const [segment] = hl7Document(BODY).segments('OBX');
  expect(segment?.name).toBe('OBX');
  expect(segment?.text).toBe('OBX|1|NM|a||1');
  expect(segment?.has('OBX-9')).toBe(false);
  expect(segment?.raw('OBX-5')).toBe('1');
  segment?.setRaw('OBX-5', 'a^b');
  expect(segment?.get('OBX-5.2')).toBe('b');
  expect(Buffer.from(segment?.bytes() ?? []).toString()).toContain('OBX|1|NM|a||a^b\r');
  expect(segment?.copy().get('PID-3')).toBe('123');
});
