import { expect, test } from 'vitest';
import { ADMISSION, scopeOf } from '../support/subject-message.ts';
import { madeBy, readProblems, textOf, transformOf } from '../support/transform-reading.ts';

const PATIENT = {
  resourceType: 'Patient',
  identifier: [{ system: 'urn:id:MAIN', value: '4711' }],
  name: [{ family: 'Müller' }],
  photo: [{ contentType: 'image/png' }],
};
const json = (body: unknown) => scopeOf(JSON.stringify(body), { type: 'application/fhir+json' });

test('one line makes HL7 v2, with notes of what is not in it and steps after it', () => {
  const made = madeBy(
    { fromFhir: 'R4', steps: [{ set: 'MSH-3', value: 'HUB' }] },
    json({ ...PATIENT, generalPractitioner: [{ reference: 'Practitioner/7' }] }),
  );
  expect(made).toMatchObject({ type: 'HL7v2:ADT_A31:2.5.1', charset: 'utf-8' });
  expect(textOf(made)).toMatch(/^MSH\|\^~\\&\|HUB\|.*\|ADT\^A31\^ADT_A05\|.*UNICODE UTF-8/);
  expect(textOf(made)).toContain('Müller');
  expect(made?.notes).toEqual([
    expect.stringMatching(
      /^\d+ of \d+ values are in HL7 v2\. Not mapped: Patient\.photo\.contentType$/,
    ),
    'Not in the Bundle, so only what references say of them: Practitioner',
  ]);
  expect(String(made?.notes)).not.toContain('image/png');
});

const typed = (type: string): string => {
  const made = madeBy({ fromFhir: { version: 'R4', zone: 'Europe/Berlin' }, type }, json(PATIENT));
  return made?.type ?? '';
};

test('the type says which event and version, or the message without its event', () => {
  expect(typed('ADT_A08:2.3')).toBe('HL7v2:ADT_A08:2.3');
  expect(typed('ADT:2.4')).toBe('HL7v2:ADT_A31:2.4');
  expect(typed('ORU_R01')).toBe('HL7v2:ORU_R01:2.5.1');
  expect(transformOf({ fromFhir: 'R4' }).declaration.paths).toContain('/resourceType');
});

test('what is no FHIR in JSON is refused', () => {
  expect(() => madeBy({ fromFhir: 'R4' }, scopeOf(ADMISSION))).toThrow(/and this is hl7/);
  expect(() => madeBy({ fromFhir: 'R4' }, json({ a: 1 }))).toThrow(/no FHIR resource/);
});

test.each([
  [{ fromFhir: 'R5' }, /R4/],
  [{ fromFhir: { version: 'R4', zone: 'Berlin' } }, /zone must be/],
  [{ fromFhir: { version: 'R4', systems: { MAIN: 'main' } } }, /must be a URI/],
  [{ fromFhir: { version: 'R4', bundle: 'x' } }, /bundle/],
  [{ fromFhir: 'R4', type: 'SIU_S12' }, /ADT and ORU/],
  [{ fromFhir: 'R4', type: 'ADT_A01:1.0' }, /ADT and ORU/],
  [{ fromFhir: 'R4', type: 'application/json' }, /ADT and ORU/],
  [{ fromFhir: 'R4', start: 'empty' }, /leave out start/],
])('%j is a mistake', (given, problem) => {
  expect(readProblems(given)).toContainEqual(expect.stringMatching(problem));
});
