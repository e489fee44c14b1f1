import { describe, expect, test } from 'vitest';
import { toFhir } from '../../../../src/document/fhir/v2/to-fhir.ts';
import { fhirFindings } from '../../../../src/document/fhir/validate/validate.ts';
import { corpusMessages } from '../../../support/hl7-corpus.ts';
import { processorTime } from '../../../support/processor-time.ts';

const SECRET = 'SECRET-4711';

/** The errors of a resource, each as `place text`. */
function errors(resource: unknown, level: 'structure' | 'full' = 'full'): string[] {
  return fhirFindings(resource, { level })
    .filter(({ severity }) => severity === 'error')
    .map(({ path, text }) => `${path} ${text}`);
}

const patient = (content: object): object => ({ resourceType: 'Patient', ...content });
const observation = (content: object): object => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...content,
});

test('a good resource has no findings', () => {
  expect(
    fhirFindings(
      patient({
        id: 'a-1.b',
        meta: { versionId: '1', profile: ['https://example.org/p'] },
        text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
        extension: [{ url: 'https://example.org/e', valueCode: 'x' }],
        name: [
          { given: ['A', null], _given: [null, { extension: [{ url: 'u', valueString: 'x' }] }] },
        ],
        birthDate: '1980-02-29',
        _birthDate: { id: 'x' },
        gender: 'female',
        contact: [{ name: { family: 'X' } }],
        contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }],
        managingOrganization: { reference: '#o' },
        deceasedBoolean: false,
      }),
      { level: 'full' },
    ),
  ).toEqual([]);
});

describe('structure', () => {
  test.each([
    ['no object', [], 'Resource is not a resource of FHIR R4'],
    ['null', null, 'Resource is not a resource of FHIR R4'],
    ['no type', { id: 'x' }, 'Resource is not a resource'],
    ['a type that is no resource', { resourceType: 'HumanName' }, 'Resource is not a resource'],
    ['a name of Object', { resourceType: 'constructor' }, 'Resource is not a resource'],
    [
      'an unknown element',
      patient({ nmae: 'x' }),
      'Patient has an element that FHIR does not have there: nmae',
    ],
    [
      'a value as a name',
      patient({ [SECRET]: 'x' }),
      'Patient has an element that FHIR does not have there',
    ],
    ['a list that is none', patient({ name: { family: 'x' } }), 'Patient.name must be a list'],
    [
      'an element that is a list',
      patient({ gender: ['male'] }),
      'Patient.gender must not be a list',
    ],
    ['an empty list', patient({ name: [] }), 'Patient.name is an empty list'],
    ['an empty element', patient({ name: [{}] }), 'Patient.name[0] is empty'],
    ['a primitive for an element', patient({ name: ['x'] }), 'Patient.name[0] must be HumanName'],
    ['an element for a part', patient({ contact: ['x'] }), 'Patient.contact[0] must be an element'],
    [
      'a missing element',
      { resourceType: 'Observation', status: 'final' },
      'Observation.code is required',
    ],
    [
      'two of a choice',
      observation({ valueString: 'x', valueInteger: 1 }),
      'Observation.value[x] is there more than once',
    ],
    [
      'a choice of another type',
      observation({ valueAddress: {} }),
      'does not have there: valueAddress',
    ],
    [
      'an extension of a list',
      patient({ _gender: [{ id: 'x' }] }),
      'Patient.gender has extensions that do not fit it',
    ],
    ['a wrong date', patient({ birthDate: '1980-02-30' }), 'Patient.birthDate is not date'],
    [
      'a time without a zone',
      observation({ issued: '2026-01-01T10:00:00' }),
      'Observation.issued is not instant',
    ],
    [
      'a number as text',
      observation({ valueQuantity: { value: '5' } }),
      'Observation.valueQuantity.value is not decimal',
    ],
    ['a text as boolean', patient({ active: 'true' }), 'Patient.active is not boolean'],
    ['a fraction', observation({ valueInteger: 1.5 }), 'Observation.valueInteger is not integer'],
    ['an id that is too long', patient({ id: 'x'.repeat(65) }), 'Patient.id is not id'],
    ['an empty text', patient({ name: [{ family: '' }] }), 'Patient.name[0].family is not string'],
    [
      'an entry of a Bundle',
      { resourceType: 'Bundle', type: 'batch', entry: [{ resource: { resourceType: 'X' } }] },
      'Bundle.entry[0].resource is not a resource',
    ],
    [
      'a contained one',
      patient({ contained: [{ resourceType: 'Observation' }] }),
      'Patient.contained[0].status is required',
    ],
    [
      'a part of another part',
      observation({ component: [{ referenceRange: [{ nothing: 1 }] }] }),
      'Observation.component[0].referenceRange[0] has an element',
    ],
  ])('%s', (_, resource, expected) => {
    expect(errors(resource, 'structure').join('\n')).toContain(expected);
    expect(errors(resource, 'structure').join('\n')).not.toContain(SECRET);
  });

  test('codes are not looked at', () => {
    expect(errors(patient({ gender: 'F' }), 'structure')).toEqual([]);
  });
});

const entry = (fullUrl: string, resource: object): object => ({ fullUrl, resource });
const bundle = (...entries: object[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: entries,
});

describe('full', () => {
  test.each([
    ['a code', patient({ gender: 'F' }), 'Patient.gender is not a code of administrative-gender'],
    [
      'a concept',
      {
        resourceType: 'AllergyIntolerance',
        patient: { reference: 'Patient/1' },
        clinicalStatus: { coding: [{ code: 'zzz' }] },
      },
      'AllergyIntolerance.clinicalStatus has no code of allergyintolerance-clinical',
    ],
    [
      'a reference to another type',
      observation({ encounter: { reference: 'Patient/1' } }),
      'Observation.encounter leads to Patient, and must lead to Encounter',
    ],
    [
      'a reference to nothing',
      bundle(
        entry('urn:uuid:1', patient({ active: true })),
        entry('urn:uuid:2', observation({ subject: { reference: 'urn:uuid:3' } })),
      ),
      'Bundle.entry[1].resource.subject leads to no entry of the Bundle',
    ],
    [
      'an invariant of a resource',
      patient({ contact: [{ gender: 'male' }] }),
      "Patient.contact[0] SHALL at least contain a contact's details or a reference to an organization (pat-1)",
    ],
    [
      'an invariant of a type',
      patient({ name: [{ period: { start: '2026', end: '2025' } }] }),
      '(per-1)',
    ],
    [
      'an invariant within a Bundle',
      bundle(
        entry('urn:uuid:1', observation({ valueString: 'x', dataAbsentReason: { text: 'x' } })),
      ),
      'Bundle.entry[0].resource dataAbsentReason SHALL only be present if Observation.value[x] is not present (obs-6)',
    ],
    [
      'an invariant of the Bundle',
      {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [{ resource: patient({ active: true }) }],
      },
      '(bdl-3)',
    ],
  ])('%s', (_, resource, expected) => {
    expect(errors(resource).join('\n')).toContain(expected);
    expect(errors(resource, 'structure')).toEqual([]);
  });
});

const requests = (count: number): object[] =>
  Array.from({ length: count }, (_, at) => ({
    fullUrl: `urn:uuid:${String(at).padStart(8, '0')}-0000-4000-8000-000000000000`,
    resource: observation({}),
    request: { method: 'POST', url: 'Observation' },
  }));
const transaction = (all: object[]): object => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: all,
});

describe('what nobody should send', () => {
  test('nested without end', () => {
    let extension: object = { url: 'x', valueString: 'x' };
    for (let at = 0; at < 5_000; at++) extension = { url: 'x', extension: [extension] };
    expect(errors(patient({ extension: [extension] })).join()).toContain(
      'more than 60 levels deep',
    );
  });

  test('wrong in a hundred thousand places: told of a hundred, soon', () => {
    const before = processorTime();
    const found = errors(patient({ name: Array.from({ length: 100_000 }, () => ({ x: 1 })) }));
    expect(found).toHaveLength(100);
    expect(processorTime() - before).toBeLessThan(2_000);
  });

  test('a Bundle of megabytes is checked in time, each of its entries', () => {
    const took = [1_000, 10_000].map((count) => {
      const all = requests(count);
      const sent = transaction([...all.slice(1), ...all.slice(1, 2)]);
      const before = processorTime();
      expect(errors(sent)).toEqual([expect.stringMatching(/FullUrl must be unique.*bdl-7/)]);
      return processorTime() - before;
    });
    expect(took[1]).toBeLessThan(30 * (took[0] ?? 0));
  });

  test('an entry without a request is found behind hundreds that have one', () => {
    const [first, ...others] = requests(1_200);
    const bare = { ...first, request: undefined };
    const sent: unknown = JSON.parse(JSON.stringify(transaction([...others, bare])));
    expect(errors(sent)).toEqual([expect.stringMatching(/entry.request mandatory.*bdl-3/)]);
  });

  test('thousands of contained resources are looked for in time', () => {
    const contained = Array.from({ length: 3_000 }, (_, at) => ({
      resourceType: 'Organization',
      id: `o${at}`,
      name: 'O',
    }));
    const generalPractitioner = contained.map(({ id }) => ({ reference: `#${id}` }));
    const before = processorTime();
    expect(errors(patient({ contained, generalPractitioner }))).toEqual([]);
    generalPractitioner.pop();
    expect(errors(patient({ contained, generalPractitioner }))).toEqual([
      expect.stringMatching(/SHALL be referred to from elsewhere.*dom-3/),
    ]);
    expect(processorTime() - before).toBeLessThan(6_000);
  });

  test('a document of megabytes in base64 takes no time', () => {
    const data = 'QUJD'.repeat(1_000_000);
    const before = processorTime();
    expect(errors({ resourceType: 'Binary', contentType: 'text/plain', data })).toEqual([]);
    expect(processorTime() - before).toBeLessThan(2_000);
  });
});

test('what toFhir makes of the corpus is valid, invariants included', () => {
  let count = 0;
  for (const { name, message } of corpusMessages()) {
    for (const kind of ['transaction', 'message'] as const) {
      const options = { bundle: kind, update: undefined, zone: 'UTC', systems: {} };
      const { body } = toFhir(message, options, 0);
      const made: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
      if (!Object.hasOwn(made as object, 'entry')) continue;
      // an end before its start, and an appointment without a time, are the sender's
      const found = errors(made).filter((text) => !/\((?:per-1|app-3)\)$/.test(text));
      expect(found, name).toEqual([]);
      count++;
    }
  }
  expect(count).toBeGreaterThan(150);
});
