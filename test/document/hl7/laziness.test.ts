import { afterEach, expect, test, vi } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many times a text is searched or cut while the work is done. */
function textWork(work: () => void): number {
  const spies = (['indexOf', 'slice', 'split', 'charCodeAt'] as const).map((method) =>
    vi.spyOn(String.prototype, method),
  );
  work();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (const spy of spies) spy.mockRestore();
  return calls;
}

const PATIENT = 'PID|1||123^^^H||DOE^JOHN||19610615|M';
const OBX = 'OBX|1|ST|a^b^c||some value|mg|1-2|N|||F';
const small = hl7(MSH, PATIENT, OBX);
const large = hl7(MSH, PATIENT, ...Array.from({ length: 2000 }, () => OBX));

function readTwo(body: Buffer): void {
  const document = hl7Document(body);
  expect([document.get('MSH-10'), document.get('PID-5.1')]).toEqual(['N1', 'DOE']);
}

function change(body: Buffer): void {
  const document = hl7Document(body);
  document.set('MSH-5', 'X');
  document.bytes();
}

test('reading two fields takes nothing apart behind them, however long the message is', () => {
  readTwo(small);
  const work = textWork(() => readTwo(small));
  expect(textWork(() => readTwo(large))).toBe(work);
  expect(work).toBeLessThan(80);
});

test('changing a field in front takes nothing apart behind it', () => {
  change(small);
  const work = textWork(() => change(small));
  expect(textWork(() => change(large))).toBe(work);
});

test('a field is looked for no further than the one that is asked for', () => {
  const early = hl7Document(small);
  early.get('PID-1');
  const late = hl7Document(small);
  late.get('PID-1');
  // a path is read once, and perhaps was before by another file's tests
  for (const path of ['PID-2', 'PID-8']) hl7Document(small).get(path);
  const near = textWork(() => early.get('PID-2'));
  const far = textWork(() => late.get('PID-8'));
  expect(far - near).toBe(6);
});
