import { describe, expect, test } from 'vitest';
import { toFhir } from '../../../../src/document/fhir/v2/to-fhir.ts';
import { fhirFindings } from '../../../../src/document/fhir/validate/validate.ts';
import { hl7Document } from '../../../../src/document/hl7/hl7-document.ts';
import type { Zone } from '../../../../src/time/zone.ts';
import { hl7 } from '../../../support/hl7-corpus.ts';

/** What a message says must not become its opposite, or something about somebody else, however valid that is. */

type Resource = Record<string, unknown> & { readonly resourceType: string };
type Entry = { readonly resource: Resource; readonly request: Record<string, string> };

function made(segments: readonly string[], zone: Zone = 'UTC') {
  const options = { bundle: 'transaction', update: undefined, zone, systems: {} } as const;
  const { body, coverage } = toFhir(hl7Document(hl7(...segments)), options, 0);
  const bundle = JSON.parse(Buffer.from(body).toString('utf8')) as { readonly entry: Entry[] };
  const errors = fhirFindings(bundle, { level: 'full' }).filter(
    ({ severity }) => severity === 'error',
  );
  expect(errors).toEqual([]);
  const all = (type: string): Entry[] =>
    bundle.entry.filter(({ resource }) => resource.resourceType === type);
  return {
    all,
    unmapped: coverage.unmapped,
    first: (type: string): Resource | undefined => all(type)[0]?.resource,
  };
}

const msh = (type: string, time = '20260131153000+0100'): string =>
  `MSH|^~\\&|HIS|MAIN|HUB|CITY|${time}||${type}|M1|P|2.5.1`;
const UNKNOWN = { extension: [{ valueCode: 'unknown' }] };
const PID = 'PID|1||4711^^^MAIN^MR||DOE^JANE';
const pv1 = (ended = ''): string => `PV1|1|I${'|'.repeat(17)}V1^^^MAIN${'|'.repeat(26)}${ended}`;

const allergy = (status: string) =>
  made([msh('ADT^A60'), PID, `IAM|1|DA|7980^X^RXNORM|SV||A${'|'.repeat(11)}${status}`]).first(
    'AllergyIntolerance',
  );

const observation = (obx: string) => {
  const { first, unmapped } = made([
    msh('ORU^R01'),
    PID,
    'ORC|RE|A^P|B^F',
    `OBR|1|A^P|B^F|K^Potassium^L${'|'.repeat(21)}X`,
    `OBX|1|${obx}`,
  ]);
  return { ...first('Observation'), unmapped, order: first('ServiceRequest')?.['status'] };
};

const document = (event: string) =>
  made([msh(`MDM^${event}`), PID, 'TXA|1|CN|TX|20240101||||||||NEW^A|OLD^A']).first(
    'DocumentReference',
  );

const given = (rxa: string) => {
  const { first, unmapped } = made([msh('VXU^V04'), PID, 'ORC|RE||1^A', rxa]);
  return { ...first('Immunization'), unmapped };
};

const appointment = (event: string, sch: string, zone?: Zone) =>
  made([msh(`SIU^${event}`), sch, PID], zone).first('Appointment');

describe('merges and moves', () => {
  test.for(['A18', 'A30', 'A34', 'A36', 'A39', 'A40', 'A46', 'A47'])(
    '%s: the other patient is replaced by this one',
    (event) => {
      const { all } = made([msh(`ADT^${event}`), PID, 'MRG|0815^^^MAIN^MR']);
      expect(all('Patient').map(({ resource }) => resource['active'])).toEqual([undefined, false]);
    },
  );

  test.for(['A41', 'A42', 'A43', 'A44', 'A45', 'A49', 'A50', 'A51'])(
    '%s is about an account or a visit: the patient that it came from stays as it is',
    (event) => {
      const { all, unmapped } = made([msh(`ADT^${event}`), PID, 'MRG|0815^^^MAIN^MR||A1||V1']);
      expect(all('Patient').map(({ request }) => request['url'])).toEqual([
        'Patient?identifier=urn%3Aid%3AMAIN|4711',
      ]);
      expect(unmapped).toContain('MRG');
    },
  );

  test('numbers that the remaining patient has are not replaced', () => {
    const two = made([msh('ADT^A40'), PID, 'MRG|4711^^^MAIN^MR~0815^^^MAIN^MR']).all('Patient');
    expect(two.map(({ request }) => request['url'])).toEqual([
      'Patient?identifier=urn%3Aid%3AMAIN|4711',
      'Patient?identifier=urn%3Aid%3AMAIN|0815',
    ]);
    expect(made([msh('ADT^A40'), PID, 'MRG|4711^^^MAIN^MR']).all('Patient')).toHaveLength(1);
  });
});

test.for([
  ['A11', 'cancelled'],
  ['A13', 'in-progress'],
  ['A23', 'entered-in-error'],
  ['A27', 'cancelled'],
  ['A03', 'finished'],
  ['A21', 'onleave', ''],
] as const)('%s leaves the visit %s', ([event, status, ended = '202601310900']) => {
  const { first } = made([msh(`ADT^${event}`), PID, pv1(ended)]);
  expect(first('Encounter')).toMatchObject({ status });
});

test('a person is deleted by A29', () => {
  expect(made([msh('ADT^A29'), PID]).first('Patient')).toMatchObject({ active: false });
});

test.for([
  ['PID|1||4711||DOE^JANE||||||||||||||999999999', 'social security'],
  ['PID|1||4711||DOE^JANE|||||||||||||A1^^^MAIN', 'account'],
  ['PID|1||999999999^^^SSA^SS||DOE^JANE', 'social security in PID-3'],
] as const)('%s: no patient is found by a number that others may have (%s)', ([pid]) => {
  expect(made([msh('ADT^A08'), pid]).all('Patient')[0]?.request).toEqual({
    method: 'POST',
    url: 'Patient',
  });
});

test('a visit is found by its number, whatever that is called', () => {
  const visit = `PV1|1|I${'|'.repeat(17)}V1^^^MAIN^AN`;
  expect(made([msh('ADT^A08'), PID, visit]).all('Encounter')[0]?.request).toEqual({
    method: 'PUT',
    url: 'Encounter?identifier=urn%3Aid%3AMAIN|V1',
  });
});

test('deleted (D) is not active, done or taking part', () => {
  const { first } = made([
    msh('ADT^A60'),
    PID,
    'IAM|1|DA|7980^Penicillin^RXNORM|SV|rash|D',
    `PR1|1||0F^Appendectomy^I10P||20240101${'|'.repeat(15)}D`,
  ]);
  expect(first('AllergyIntolerance')).not.toHaveProperty('clinicalStatus');
  expect(first('AllergyIntolerance')).toMatchObject({
    verificationStatus: { coding: [{ code: 'entered-in-error' }] },
  });
  expect(first('Procedure')).toMatchObject({ status: 'entered-in-error' });
  const moved = made([
    msh('SIU^S14'),
    'SCH|1^P|2^F|||||||30|min|^^^20260301100000',
    PID,
    'AIL|1|D|OLD^^^H',
    'AIL|2|A|NEW^^^H',
    'AIP|1|D|123^OLD^DOC',
  ]);
  expect(moved.first('Appointment')?.['participant']).toHaveLength(2);
  expect(moved.unmapped).toEqual(expect.arrayContaining(['AIL-3', 'AIP-3']));
});

test('an allergy that is over, or not sure', () => {
  expect(allergy('I')).toMatchObject({ clinicalStatus: { coding: [{ code: 'inactive' }] } });
  expect(allergy('S')).toMatchObject({
    verificationStatus: { coding: [{ code: 'unconfirmed' }, { code: 'S' }] },
  });
  expect(allergy('E')).not.toHaveProperty('clinicalStatus');
});

describe('results', () => {
  test('a text is whole, whatever its sender did not escape', () => {
    expect(observation('TX|A^B^L||Johnson & Johnson ^ R&D||||||F')).toMatchObject({
      valueString: 'Johnson & Johnson ^ R&D',
      unmapped: [],
    });
  });

  test('a comparison is never lost, and a ratio has its unit', () => {
    expect(observation('SN|A^B^L||>^1^-^5|mg|||||F')).toMatchObject({ valueString: '> 1 - 5' });
    expect(observation('SN|A^B^L||^1^:^128|{titer}^^UCUM|||||F')).toMatchObject({
      valueRatio: { numerator: { value: 1, unit: '{titer}' }, denominator: { value: 128 } },
    });
  });

  test('a time of day with an offset keeps it', () => {
    expect(observation('TM|A^B^L||0830+0100||||||F')).toMatchObject({ valueString: '0830+0100' });
  });

  test('of two methods one is told, not a mixture; the order of a cancelled report is revoked', () => {
    const both = 'A^One^L^^^^^^first~^Two^L';
    expect(observation(`NM|A^B^L||1||||||F||||||${both}`)).toMatchObject({
      method: { coding: [{ code: 'A', display: 'One' }], text: 'first' },
      unmapped: expect.arrayContaining(['OBX-17.2']),
      order: 'revoked',
    });
  });
});

test('a document that replaces another, and one that is cancelled', () => {
  expect(document('T10')).toMatchObject({ relatesTo: [{ code: 'replaces' }], status: 'current' });
  expect(document('T06')).toMatchObject({ relatesTo: [{ code: 'appends' }] });
  expect(document('T11')).toMatchObject({ status: 'entered-in-error' });
});

test('a vaccination that was refused, or of none, is not done; of two lots one is told', () => {
  expect(given('RXA|0|1|20240101||03^MMR^CVX|999||||||||||||00^No^NIP002')).toMatchObject({
    status: 'not-done',
  });
  expect(given('RXA|0|1|20240101||998^none^CVX|999')).toMatchObject({ status: 'not-done' });
  expect(given('RXA|0|1|20240101||03^MMR^CVX|1|||||||||L1~L2|||||CP')).toMatchObject({
    status: 'completed',
    lotNumber: 'L1',
    unmapped: ['RXA-15'],
  });
});

describe('an appointment', () => {
  test('is cancelled by its event, whatever its status still is', () => {
    const booked = `SCH|1^P|2^F|||||||30|min|^^^20260301100000${'|'.repeat(14)}Booked`;
    expect(appointment('S15', booked)).toMatchObject({ status: 'cancelled' });
    expect(appointment('S13', booked)).toMatchObject({ status: 'booked' });
  });

  test('has an end by its length, or says that it is not known', () => {
    expect(appointment('S12', 'SCH|1^P|2^F|||||||90|min|^^^20260301233000')).toMatchObject({
      start: '2026-03-01T23:30:00+01:00',
      end: '2026-03-02T01:00:00+01:00',
    });
    expect(appointment('S12', 'SCH|1^P|2^F')).toMatchObject({
      _start: { extension: [{ valueCode: 'unknown' }] },
      _end: { extension: [{ valueCode: 'unknown' }] },
    });
  });

  test('for summer, made in winter, has the time of summer', () => {
    const july = 'SCH|1^P|2^F|||||||30|min|^^^20260701100000';
    expect(appointment('S12', july, 'Europe/Berlin')).toMatchObject({
      start: '2026-07-01T10:00:00+02:00',
    });
    // a sender elsewhere
    expect(appointment('S12', july, 'America/New_York')).toMatchObject({
      start: '2026-07-01T10:00:00+01:00',
    });
  });
});

test('what has no value is nothing: numbers that are deleted, an end before the start', () => {
  const { first, unmapped } = made([
    msh('ADT^A31'),
    'PID|1||4711^^^MAIN^MR~""^^^MAIN^SS||DOE^JANE^^^^^L^^^^^20250101^20240101||||||||030^PRN^PH^a@example.org',
  ]);
  expect(first('Patient')).toMatchObject({
    identifier: [{ value: '4711' }],
    name: [{ period: { start: '2025-01-01' } }],
    telecom: [{ value: '030' }, { system: 'email', value: 'a@example.org' }],
  });
  expect(first('Patient')?.['identifier']).toHaveLength(1);
  expect(unmapped).toContain('PID-5.13');
});

test('what is left out is named: the number of the mother, an authority within another, a second route', () => {
  expect(
    made([
      msh('ADT^A01'),
      `PID|1||4711^^^MAIN&23.2&L^MR||DOE^JANE${'|'.repeat(16)}M-1`,
      `PV1|1|I${'|'.repeat(35)}22&Homes`,
    ]).unmapped,
  ).toEqual(expect.arrayContaining(['PID-3.4.2', 'PID-3.4.3', 'PID-21', 'PV1-37.1.2']));
  const { first, unmapped } = made([
    msh('RDE^O11'),
    PID,
    'ORC|NW|A^P',
    'RXE||A^B^L',
    'RXR|PO^Oral',
    'RXR|IV^Intravenous',
  ]);
  const text = JSON.stringify(first('MedicationRequest'));
  expect([text.includes('Oral'), text.includes('Intravenous')]).toEqual([true, false]);
  expect(unmapped).toContain('RXR');
});

test('what a later field replaces is named, and its unit and code are not those of another value', () => {
  const { first, unmapped } = made([
    msh('RDE^O11'),
    PID,
    'ORC|NW|A^P^1.x^L',
    'RXO|X^^L^^^^^^asked|5||mg^milligram^UCUM||with water',
    'RXE||Y^Given^L|2||TAB^Tablet^HL70292',
  ]);
  const { medicationCodeableConcept, dosageInstruction } = first('MedicationRequest') as Record<
    string,
    unknown
  >;
  expect(medicationCodeableConcept).toEqual({
    coding: [{ system: 'urn:id:L', code: 'Y', display: 'Given' }],
  });
  expect(dosageInstruction).toMatchObject([
    { doseAndRate: [{ doseQuantity: { value: 2, unit: 'Tablet', code: 'TAB' } }] },
  ]);
  expect(unmapped).toEqual(['ORC-2.3', 'ORC-2.4', 'RXO-1', 'RXO-2', 'RXO-4']);
});

test('what a later field says again is not named, nor what stands elsewhere too', () => {
  const again = ['RXO|Y^Given^L|||||with water', 'RXE||Y^Given^L|2||TAB^Tablet^L'];
  expect(made([msh('RDE^O11'), PID, 'ORC|NW|A^P', ...again]).unmapped).toEqual([]);
  const lines = (second: string) =>
    made([
      msh('MDM^T02'),
      PID,
      'TXA|1|CN|TX',
      'OBX|1|TX|A^Letter^L||Dear colleague',
      `OBX|2|TX|${second}||Yours`,
    ]).unmapped;
  expect(lines('A^Letter^L')).not.toContain('OBX-3');
  expect(lines('B^End^L')).toContain('OBX-3');
});

test('who is insured is another person, or the patient', () => {
  const { first, all } = made([
    msh('ADT^A01'),
    PID,
    `IN1|1|PLAN|INS^^^X|Company${'|'.repeat(12)}MEIER^ANNA|SPO|19600101`,
    `IN1|2|PLAN|INS^^^X|Company${'|'.repeat(12)}DOE^JANE|SEL|19600101`,
  ]);
  expect(first('RelatedPerson')).toMatchObject({ name: [{ family: 'MEIER' }] });
  expect(all('Coverage').map(({ resource }) => resource['subscriber'])).toEqual([
    expect.anything(),
    first('Coverage')?.['beneficiary'],
  ]);
});

test.for<[string, string[], string, object]>([
  [
    'an event about nobody, from nobody',
    ['MSH|^~\\&|||||||ADT^A03|||2.5', 'EVN|A03|20260101120000'],
    'Provenance',
    { recorded: '2026-01-01T12:00:00Z', agent: [{ who: UNKNOWN }], target: [UNKNOWN] },
  ],
  [
    'an order of a vaccination without it',
    [msh('VXU^V04'), PID, 'ORC|RE||1^A'],
    'Immunization',
    { _status: UNKNOWN, vaccineCode: UNKNOWN, _occurrenceDateTime: UNKNOWN },
  ],
  [
    'an order in a result that says nothing of it',
    [msh('ORU^R01'), PID, 'ORC||A^P', 'OBX|1|NM|K^K^L||4'],
    'ServiceRequest',
    { status: 'unknown' },
  ],
  [
    'a prescription of something',
    [msh('RDE^O11'), PID, 'ORC|NW|A^P', 'RXE||'],
    'MedicationRequest',
    { medicationCodeableConcept: UNKNOWN },
  ],
  [
    'an insurance that nobody pays',
    [msh('ADT^A01'), 'PID|1', 'IN1|2|F^F||||P'],
    'Coverage',
    { payor: [UNKNOWN] },
  ],
  [
    'an appointment of nobody',
    [msh('SIU^S12'), 'SCH|1^P'],
    'Appointment',
    { participant: [{ actor: UNKNOWN, _status: UNKNOWN }] },
  ],
  [
    'a document without one',
    [msh('MDM^T01'), PID, 'TXA|1|CN'],
    'DocumentReference',
    { content: [{ attachment: UNKNOWN }] },
  ],
])('what nobody said, and FHIR requires, is unknown: %s', ([, segments, type, expected]) => {
  expect(made(segments).first(type)).toMatchObject(expected);
});
