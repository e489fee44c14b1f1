import { describe, expect, test } from 'vitest';
import { fhirPathTexts } from '../../../../src/document/fhir/path/fhir-path.ts';
import { fhirFindings } from '../../../../src/document/fhir/validate/validate.ts';
import { type FhirVersion, fhirNumber, fhirResourceTypes } from '../../../../src/document/index.ts';

const problems = (resource: object, version: FhirVersion): string[] =>
  fhirFindings(resource, { level: 'full', version }).map(({ path, text }) => `${path} ${text}`);

/** The same fact as each version says it. */
const ENCOUNTERS = {
  R4: { resourceType: 'Encounter', status: 'finished', class: { code: 'IMP' } },
  R5: {
    resourceType: 'Encounter',
    status: 'completed',
    class: [{ coding: [{ code: 'IMP' }] }],
    actualPeriod: { start: '2026-01-02' },
  },
} as const;

describe('each version has its own definitions', () => {
  test.for([
    ['R4', 'R4', []],
    ['R4', 'R4B', []],
    ['R4', 'R5', ['Encounter.class must be a list']],
    ['R5', 'R5', []],
    [
      'R5',
      'R4',
      [
        'Encounter.class must not be a list',
        'Encounter has an element that FHIR does not have there: actualPeriod',
      ],
    ],
  ] as const)('an Encounter of %s by %s', ([written, version, expected]) => {
    const found = problems(ENCOUNTERS[written], version);
    for (const text of expected) expect(found).toContain(text);
    expect(found.length > 0).toBe(expected.length > 0);
  });

  test.for([
    ['R4', '4.0.1', 'MedicinalProduct', 'SubscriptionStatus'],
    ['R4B', '4.3.0', 'SubscriptionTopic', 'Transport'],
    ['R5', '5.0.0', 'Transport', 'CanonicalResource'],
  ] as const)('%s is %s', ([version, number, has, hasNot]) => {
    expect(fhirNumber(version)).toBe(number);
    expect(fhirResourceTypes(version)).toContain(has);
    expect(fhirResourceTypes(version)).not.toContain(hasNot);
  });
});

test('what an extended R4 of others has is not R4', () => {
  const patient = { resourceType: 'Patient', meta: { project: 'x' } };
  expect(problems(patient, 'R4')).toEqual([
    'Patient.meta has an element that FHIR does not have there: project',
  ]);
});

test('a dosage may have an extension that changes its meaning', () => {
  const request = {
    resourceType: 'MedicationRequest',
    status: 'active',
    intent: 'order',
    medicationCodeableConcept: { text: 'x' },
    subject: { reference: 'Patient/1' },
    dosageInstruction: [{ modifierExtension: [{ url: 'https://x.example', valueBoolean: true }] }],
  };
  expect(problems(request, 'R4')).toEqual([]);
});

const documentOf = (size: unknown): object => ({
  resourceType: 'DocumentReference',
  status: 'current',
  content: [{ attachment: { size } }],
});

test('invariants of R5 are evaluated with its own types', () => {
  const subscription = {
    resourceType: 'Subscription',
    status: 'requested',
    topic: 'https://x.example/topic',
    channelType: { code: 'rest-hook' },
    parameter: [{ name: 'a', value: 'b' }],
    filterBy: [{ filterParameter: 'status', comparator: 'eq', modifier: 'not', value: 'x' }],
  };
  expect(problems(subscription, 'R5')).toEqual([
    'Subscription.filterBy[0] Subscription filters may only contain a modifier or a comparator (scr-1)',
  ]);
  const attachment = { resourceType: 'Binary', contentType: 'text/plain' };
  expect(problems(attachment, 'R5')).toEqual([]);
  expect(problems(documentOf('9007199254740993'), 'R5')).toEqual([]);
  expect(problems(documentOf(1), 'R5')).toEqual([
    'DocumentReference.content[0].attachment.size is not integer64',
  ]);
});

test('a path of FHIRPath knows the choices of its version', () => {
  const encounter = { resourceType: 'MedicationRequest', medication: { concept: { text: 'x' } } };
  expect(fhirPathTexts(encounter, 'MedicationRequest.medication.concept.text', 'R5')).toEqual([
    'x',
  ]);
});

const parameters = (parameter: object): object => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'x', ...parameter }],
});

test.for(['R4', 'R4B', 'R5'] as const)(
  'a rule whose key stands for several is the one of its type in %s',
  (version) => {
    const task = {
      resourceType: 'Task',
      status: 'requested',
      intent: 'order',
      authoredOn: '2026-01-02',
    };
    expect(problems(task, version)).toEqual([]);
    expect(problems({ ...task, lastModified: '2026-01-01' }, version)).toEqual([
      expect.stringMatching(/^Task Last modified date must be greater .* \(inv-1\)$/),
    ]);
    expect(problems(parameters({ valueString: 'x' }), version)).toEqual([]);
    expect(problems(parameters({}), version)).toEqual([
      expect.stringMatching(/^Parameters.parameter\[0\] A parameter must have .*\(inv-1\)$/),
    ]);
  },
);
