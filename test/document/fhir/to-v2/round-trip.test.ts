import { expect, test } from 'vitest';
import { fromFhir } from '../../../../src/document/fhir/to-v2/from-fhir.ts';
import { toFhir } from '../../../../src/document/fhir/v2/to-fhir.ts';
import { hl7Dictionary } from '../../../../src/document/hl7/dictionary/dictionary.ts';
import type { Hl7Document } from '../../../../src/document/hl7/hl7-document.ts';
import { hl7Document } from '../../../../src/document/hl7/hl7-document.ts';
import { validate } from '../../../../src/document/hl7/validation/validate.ts';
import { messageStructure } from '../../../../src/transform/message-structure.ts';
import { corpusMessages } from '../../../support/hl7-corpus.ts';

/** A value without what FHIR cannot keep: minutes that were no seconds, offsets, empty components. */
const plain = (value: string): string =>
  value
    .replaceAll(/(\d{8,12}?)(?:0000|00)?(?:\.\d+)?(?:[+-]\d{4})?(?=$|[\^&~])/g, '$1')
    .replaceAll(/[\^&]+(?=~|$)/g, '')
    .trim();

/** Every field with a value, by its place. MSH-7 and MSH-10 are the new message's own. */
function fieldsOf(message: Hl7Document): Map<string, string> {
  const counts = new Map<string, number>();
  const fields = message.segments().flatMap(({ name, text }) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const slots = text.split(message.delimiters.field).slice(1);
    return slots.map((slot, at) => {
      const number = name === 'MSH' ? at + 2 : at + 1;
      return [`${name}[${count}]-${number}`, slot] as const;
    });
  });
  return new Map(
    fields
      .filter(
        ([place, slot]) => slot !== '' && slot !== '""' && !/^MSH\[1\]-(?:2|7|10)$/.test(place),
      )
      .map(([place, slot]) => [place, plain(slot)]),
  );
}

const isValid = (message: Hl7Document): boolean =>
  validate(message, 'full').every(({ severity }) => severity !== 'error');

const CORPUS = corpusMessages().filter(
  ({ message }) =>
    ['ADT', 'ORU'].includes(message.get('MSH-9.1')) &&
    hl7Dictionary(message.get('MSH-12.1')) !== undefined &&
    message.segmentCount('PID') < 2,
);

function roundTrip(message: Hl7Document): { made: Hl7Document; carried: number; all: number } {
  const zone = 'UTC';
  const systems = {};
  const { body } = toFhir(message, { bundle: 'message', update: undefined, zone, systems }, 0);
  const { body: made, coverage } = fromFhir(
    Buffer.from(body).toString('utf8'),
    {
      kind: { message: message.get('MSH-9.1'), event: message.get('MSH-9.2') },
      version: message.get('MSH-12.1'),
      zone: undefined,
      systems,
    },
    { controlId: 'M1', now: 0, structureOf: messageStructure },
  );
  return { made: hl7Document(made, 'utf-8'), carried: coverage.values, all: coverage.allValues };
}

test('messages of the corpus through FHIR and back keep their fields, and are as valid as they were', () => {
  const totals = {
    messages: 0,
    same: 0,
    fields: 0,
    carried: 0,
    all: 0,
    valid: 0,
    wasValid: 0,
    spoilt: 0,
  };
  for (const { message } of CORPUS) {
    const { made, carried, all } = roundTrip(message);
    const before = fieldsOf(message);
    const after = fieldsOf(made);
    totals.messages++;
    totals.fields += before.size;
    totals.same += [...before].filter(([place, value]) => after.get(place) === value).length;
    totals.carried += carried;
    totals.all += all;
    if (isValid(made)) totals.valid++;
    if (isValid(message)) totals.wasValid++;
    if (isValid(message) && !isValid(made)) totals.spoilt++;
  }
  expect(totals.messages).toBeGreaterThan(90);
  expect(totals.same / totals.fields).toBeGreaterThan(0.6);
  expect(totals.carried / totals.all).toBeGreaterThan(0.9);
  expect(totals.valid).toBeGreaterThanOrEqual(totals.wasValid);
  expect(totals.spoilt).toBe(0);
});
