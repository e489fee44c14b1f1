import { expect, test } from 'vitest';
import { isRoundTrip, roundTrip } from '../../../support/fhir-round-trip.ts';
import { corpusMessages } from '../../../support/hl7-corpus.ts';

test('messages of the corpus through FHIR and back keep their fields, and are as valid as they were', () => {
  const all = corpusMessages()
    .filter(({ message }) => isRoundTrip(message))
    .map(({ message }) => roundTrip(message));
  const sum = (of: (one: (typeof all)[number]) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  expect(all.length).toBeGreaterThan(90);
  expect(sum(({ same }) => same) / sum(({ fields }) => fields)).toBeGreaterThan(0.6);
  expect(sum(({ carried }) => carried) / sum(({ values }) => values)).toBeGreaterThan(0.9);
  expect(all.filter(({ wasValid, isValid }) => wasValid && !isValid)).toEqual([]);
});
