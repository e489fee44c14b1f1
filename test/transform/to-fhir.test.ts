import { expect, test } from 'vitest';
import { transformChain } from '../../src/transform/transform-chain.ts';
import { ADMISSION, RESULT, scopeOf } from '../support/subject-message.ts';
import {
  inputOf,
  madeBy,
  readProblems,
  textOf,
  transformOf,
} from '../support/transform-reading.ts';

test('one line makes a FHIR Bundle, with a note of what is not in it', () => {
  const made = madeBy(
    { toFhir: 'R4' },
    scopeOf(`${ADMISSION}\rZPI|secret`, { charset: 'iso-8859-1' }),
  );
  expect(made).toMatchObject({ type: 'application/fhir+json', charset: 'utf-8' });
  expect(JSON.parse(textOf(made))).toMatchObject({ resourceType: 'Bundle', type: 'transaction' });
  expect(made.notes).toEqual([
    expect.stringMatching(/^\d+ of \d+ fields are in FHIR\. Not mapped: .*ZPI$/),
  ]);
  expect(String(made.notes)).not.toContain('secret');
});

test('steps change what it made; umlauts stay', () => {
  const made = madeBy(
    {
      toFhir: { version: 'R4', bundle: 'message' },
      steps: [{ set: '/id', to: 'field("MSH-10")' }],
    },
    scopeOf(ADMISSION.replace('DOE^JANE', 'MÜLLER^JANE')),
  );
  expect(JSON.parse(textOf(made))).toMatchObject({ id: 'MSG001', type: 'message' });
  expect(textOf(made)).toContain('MÜLLER');
});

test('notes of earlier transforms stay', async () => {
  const chain = transformChain([
    transformOf({ toFhir: 'R4' }, { name: 'fhir' }),
    transformOf({ steps: [{ set: '/id', value: 'x' }] }, { name: 'id' }),
  ]);
  const [made] = await chain.apply(inputOf(scopeOf(`${RESULT}\rZZZ|1`)));
  expect(made?.notes).toEqual([expect.stringContaining('ZZZ')]);
});

test('something other than HL7 v2 is refused, and check knows what it needs', () => {
  expect(transformOf({ toFhir: 'R4' }).declaration).toMatchObject({
    paths: ['MSH-9'],
    type: { text: 'application/fhir+json' },
  });
  expect(() => madeBy({ toFhir: 'R4' }, scopeOf('{}', { type: 'application/json' }))).toThrow(
    /toFhir makes FHIR of HL7 v2, and this is json/,
  );
});

test.each([
  [{ toFhir: 'R5' }, /R4/],
  [{ toFhir: { version: 'R4', bundle: 'batch' } }, /bundle must be/],
  [{ toFhir: { version: 'R4', zone: 'Berlin' } }, /zone must be/],
  [{ toFhir: { version: 'R4', update: 'Patient' } }, /update must be a list/],
  [{ toFhir: { version: 'R4', systems: { MAIN: 'main' } } }, /must be a URI/],
  [{ toFhir: { version: 'R4', system: {} } }, /system/],
  [{ toFhir: 'R4', start: 'empty' }, /leave out start/],
  [{ toFhir: 'R4', type: 'application/json' }, /leave out type/],
])('%j is a mistake', (given, problem) => {
  expect(readProblems(given)).toEqual([expect.stringMatching(problem)]);
});
