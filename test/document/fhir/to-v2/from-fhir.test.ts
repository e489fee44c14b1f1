import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FromFhirOptions, fromFhir } from '../../../../src/document/fhir/to-v2/from-fhir.ts';
import { type Hl7Document, hl7Document } from '../../../../src/document/hl7/hl7-document.ts';
import { validate } from '../../../../src/document/hl7/validation/validate.ts';
import { processorTime } from '../../../support/processor-time.ts';

const PLAIN: FromFhirOptions = { kind: undefined, version: '2.5.1', zone: undefined, systems: {} };
const FACTS = {
  controlId: 'M1',
  now: Date.UTC(2026, 0, 15, 12),
  structureOf: (message: string, event: string) => `${message}_${event}`,
};

/** The message that FHIR becomes. */
function made(body: unknown, options: Partial<FromFhirOptions> = {}) {
  const { body: bytes, coverage } = fromFhir(
    typeof body === 'string' ? body : JSON.stringify(body),
    { ...PLAIN, ...options },
    FACTS,
  );
  const text = Buffer.from(bytes).toString('utf8');
  const message = hl7Document(bytes, 'utf-8');
  return { text, message, coverage, lines: text.trimEnd().split('\r') };
}

const errorsIn = (message: Hl7Document): string[] =>
  validate(message, 'full').flatMap(({ severity, text }) => (severity === 'error' ? [text] : []));

const bundle = (...resources: readonly object[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  timestamp: '2026-01-15T13:00:00+01:00',
  entry: resources.map((resource) => ({ resource })),
});

const PATIENT = {
  resourceType: 'Patient',
  id: 'p1',
  active: true,
  identifier: [
    {
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
      system: 'urn:oid:1.2.36.146',
      value: '12345',
      assigner: { display: 'Acme' },
    },
    { system: 'http://hl7.org/fhir/sid/us-ssn', value: '999-11-2222' },
  ],
  name: [
    { use: 'official', family: 'Chalmers', given: ['Peter', 'James', 'Karl'] },
    { use: 'maiden', family: 'Windsor' },
  ],
  telecom: [
    { system: 'phone', value: '(03) 5555 6473', use: 'work' },
    { system: 'phone', value: '(03) 3410 5613', use: 'mobile' },
    { system: 'email', value: 'p@example.org', use: 'home' },
  ],
  gender: 'male',
  birthDate: '1974-12-25',
  address: [
    {
      use: 'home',
      line: ['534 Erewhon St', 'Unit 3'],
      city: 'PleasantVille',
      state: 'Vic',
      postalCode: '3999',
    },
  ],
  maritalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' }],
  },
  contact: [
    {
      relationship: [
        { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0131', code: 'N' }] },
      ],
      name: { family: 'du Marché', given: ['Bénédicte'] },
      telecom: [{ system: 'phone', value: '+33 1' }],
      gender: 'female',
    },
  ],
  photo: [{ contentType: 'image/png' }],
};

const ENCOUNTER = {
  resourceType: 'Encounter',
  id: 'e1',
  status: 'in-progress',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
  subject: { reference: 'Patient/p1' },
  identifier: [{ system: 'urn:id:MAIN', value: 'V1' }],
  period: { start: '2026-01-15T08:30:00+01:00' },
  participant: [
    {
      type: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'ATND' },
          ],
        },
      ],
      individual: { reference: 'Practitioner/d1', display: 'Dr Who' },
    },
  ],
  location: [{ location: { reference: 'Location/bed' } }],
};
const BED = {
  resourceType: 'Location',
  id: 'bed',
  name: 'B',
  physicalType: { coding: [{ code: 'bd' }] },
  partOf: { reference: 'Location/ward' },
};
const WARD = {
  resourceType: 'Location',
  id: 'ward',
  name: 'NORTH',
  physicalType: { coding: [{ code: 'wa' }] },
  partOf: { reference: 'Location/bed' },
};

describe('an admission', () => {
  const { message, lines, coverage } = made(bundle(PATIENT, ENCOUNTER, BED, WARD));

  test('is an A01 that HL7 permits', () => {
    expect(lines.map((line) => line.slice(0, 3))).toEqual(['MSH', 'EVN', 'PID', 'NK1', 'PV1']);
    expect(lines[0]).toBe('MSH|^~\\&|||||20260115130000+0100||ADT^A01^ADT_A01|M1|P|2.5.1');
    expect(errorsIn(message)).toEqual([]);
  });

  test('has the patient in its fields, what repeats as repetitions', () => {
    expect(message.raw('PID')).toBe(
      'PID|1||12345^^^Acme&1.2.36.146&ISO^MR||Chalmers^Peter^James Karl^^^^L~Windsor^^^^^^M||19741225|M|||' +
        '534 Erewhon St^Unit 3^PleasantVille^Vic^3999^^H||(03) 3410 5613^PRN^CP~^NET^Internet^p@example.org|' +
        '(03) 5555 6473^WPN^PH||M|||999-11-2222',
    );
    expect(message.raw('NK1')).toBe('NK1|1|du Marché^Bénédicte|||+33 1^^PH||N||||||||F');
  });

  test('has the visit; a circle of places ends, a doctor who is elsewhere is known by the reference', () => {
    expect(message.get('PV1-2')).toBe('I');
    expect(message.raw('PV1-3')).toBe('NORTH^^B');
    expect(message.raw('PV1-7')).toBe('d1^Dr Who');
    expect(message.raw('PV1-19')).toBe('V1^^^MAIN');
    expect(message.get('PV1-44')).toBe('20260115083000+0100');
    expect(coverage.missing).toEqual(['Practitioner']);
  });

  test('says what is not in it, by place and never by value', () => {
    expect(coverage.unmapped).toEqual(['Patient.photo.contentType']);
    expect(coverage.values).toBe(coverage.allValues - 1);
  });
});

test.each([
  [{ status: 'in-progress', class: { code: 'IMP' } }, 'A01'],
  [{ status: 'in-progress', class: { code: 'EMER' } }, 'A04'],
  [{ status: 'arrived', class: { code: 'AMB' } }, 'A04'],
  [{ status: 'planned', class: { code: 'IMP' } }, 'A05'],
  [{ status: 'finished', class: { code: 'IMP' } }, 'A03'],
  [{ status: 'cancelled', class: { code: 'IMP' } }, 'A11'],
  [{ status: 'onleave', class: { code: 'IMP' } }, 'A21'],
  [{ status: 'constructor' }, 'A04'],
])('a visit that is %j is an %s', (visit, event) => {
  const { message } = made(bundle(PATIENT, { resourceType: 'Encounter', ...visit }));
  expect(message.get('MSH-9.2')).toBe(event);
  expect(message.get('EVN-1')).toBe(event);
});

test('a patient alone is A31, a new one A28, a merged one A40; the type of the transform decides first', () => {
  expect(made(PATIENT).message.get('MSH-9.2')).toBe('A31');
  const request = { interaction: 'create', type: 'Patient', resource: PATIENT };
  expect(made(request).message.get('MSH-9.2')).toBe('A28');
  const merged = {
    resourceType: 'Patient',
    id: 'old',
    active: false,
    identifier: [{ value: '99' }],
  };
  const link = [{ type: 'replaced-by', other: { reference: 'Patient/p1' } }];
  const { message, coverage } = made(bundle(PATIENT, { ...merged, link }));
  expect(message.get('MSH-9.2')).toBe('A40');
  expect(message.get('MRG-1')).toBe('99');
  expect(coverage.unmapped).not.toContain('Patient.link.other.reference');
  const kind = { message: 'ADT', event: 'A08' };
  expect(made(PATIENT, { kind }).message.get('MSH-9.2')).toBe('A08');
});

const result = (id: string): object => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject: { reference: `Patient/${id}` },
  valueString: id,
});

test('an ADT message is of one patient, an ORU message may be of many', () => {
  const other = { ...PATIENT, id: 'p2' };
  expect(() => made(bundle(PATIENT, other))).toThrow(/about 2 patients/);
  const { lines, message } = made(bundle(PATIENT, other, result('p1'), result('p2')));
  expect(lines.map((line) => line.slice(0, 3)).join(' ')).toBe(
    'MSH PID NK1 OBR OBX PID NK1 OBR OBX',
  );
  expect(message.all('OBX-5')).toEqual(['p1', 'p2']);
});

const coding = (code: string): object => ({ coding: [{ system: 'http://loinc.org', code }] });

describe('results', () => {
  const observation = (id: string, value: object): object => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: coding(id),
    subject: { reference: 'Patient/p1' },
    ...value,
  });
  const VALUES: readonly (readonly [object, string])[] = [
    [
      {
        valueQuantity: {
          value: 5,
          unit: 'mmol/L',
          system: 'http://unitsofmeasure.org',
          code: 'mmol/L',
        },
      },
      'NM 5 mmol/L^^UCUM',
    ],
    [{ valueQuantity: { value: 5, comparator: '<' } }, 'SN <^5 '],
    [{ valueRange: { low: { value: 1, unit: 'g' }, high: { value: 2 } } }, 'SN ^1^-^2 g'],
    [{ valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }, 'SN ^1^:^128 '],
    [
      {
        valueCodeableConcept: {
          coding: [{ system: 'http://snomed.info/sct', code: '1', display: 'yes' }],
          text: 'Yes!',
        },
      },
      'CWE 1^yes^SCT^^^^^^Yes! ',
    ],
    [{ valueString: 'two\nlines | and ^ more' }, 'FT two\\.br\\lines \\F\\ and \\S\\ more '],
    [{ valueBoolean: true }, 'ID Y '],
    [{ valueInteger: 7 }, 'NM 7 '],
    [{ valueDateTime: '2026-01-15' }, 'DT 20260115 '],
    [{ valueDateTime: '2026-01-15T10:00:00.123456Z' }, 'TS 20260115100000.1234+0000 '],
    [{ valueTime: '10:20:30' }, 'TM 102030 '],
    [{ valuePeriod: { start: '2026-01-01', end: '2026-02' } }, 'DR 20260101^202602 '],
  ];
  const report = {
    resourceType: 'DiagnosticReport',
    status: 'amended',
    code: coding('panel'),
    subject: { reference: 'Patient/p1' },
    issued: '2026-01-15T10:00:00Z',
    result: VALUES.map((_, at) => ({ reference: `Observation/o${at}` })),
    conclusion: 'all well',
    presentedForm: [{ contentType: 'application/pdf', data: 'JVBERi0=' }],
  };
  const { message, coverage } = made(
    bundle(report, PATIENT, ...VALUES.map(([value], at) => observation(`o${at}`, value))),
  );

  test('are an ORU that HL7 permits, with everything of the report', () => {
    expect(errorsIn(message)).toEqual([]);
    expect(message.get('OBR-25')).toBe('C');
    expect(message.get('OBR-22')).toBe('20260115100000+0000');
    expect(message.raw('OBR-4')).toBe('panel^^LN');
    expect(message.get('NTE-3')).toBe('all well');
    expect(message.raw(`OBX[${VALUES.length + 1}]-5`)).toBe('^AP^PDF^Base64^JVBERi0=');
    expect(coverage.unmapped).toEqual(['Patient.photo.contentType']);
  });

  test.each(
    VALUES.map(([value, expected], at) => [JSON.stringify(value), expected, at + 1] as const),
  )('%s is %s', (_, expected, at) => {
    const [type, value, unit] = [2, 5, 6].map((field) => message.raw(`OBX[${at}]-${field}`));
    expect(`${type} ${value} ${unit}`).toBe(expected);
  });

  test('numbers keep their digits', () => {
    const body = JSON.stringify(observation('x', { valueQuantity: { value: 1 } })).replace(
      '"value":1}',
      '"value":11.50}',
    );
    expect(made(body).message.get('OBX-5')).toBe('11.50');
  });

  test('parts of an observation are OBX with its state and time; members of a panel are under it', () => {
    const pressure = {
      ...observation('bp', { effectiveDateTime: '2026-01-15T10:30:00Z' }),
      component: [
        { code: coding('8480-6'), valueQuantity: { value: 120 } },
        { code: coding('8462-4'), valueQuantity: { value: 80 } },
      ],
    };
    const panel = observation('panel', {
      hasMember: [{ reference: 'Observation/bp' }, { reference: 'Observation/panel' }],
    });
    const { message: made2, lines } = made(bundle(panel, pressure));
    expect(lines.map((line) => line.slice(0, 3)).join(' ')).toBe('MSH PID OBR OBX OBX OBX');
    expect(made2.all('OBX-3.1')).toEqual(['panel', '8480-6', '8462-4']);
    expect(made2.all('OBX-11')).toEqual(['F', 'F', 'F']);
    expect(made2.get('OBX[2]-14')).toBe('20260115103000+0000');
  });

  test('an order and a specimen are ORC, OBR and SPM, in old versions OBR-15', () => {
    const request = {
      resourceType: 'ServiceRequest',
      id: 'r',
      status: 'active',
      intent: 'order',
      priority: 'stat',
      code: coding('panel'),
      identifier: [{ system: 'urn:id:HIS', value: 'P1', type: { coding: [{ code: 'PLAC' }] } }],
      subject: { reference: 'Patient/p1' },
    };
    const specimen = { resourceType: 'Specimen', id: 's', type: { coding: [{ code: 'BLD' }] } };
    const links = {
      basedOn: [{ reference: 'ServiceRequest/r' }],
      specimen: [{ reference: 'Specimen/s' }],
    };
    const all = bundle(PATIENT, { ...report, result: [], ...links }, request, specimen);
    const now = made(all).message;
    expect([now.raw('ORC-2'), now.raw('OBR-2'), now.get('OBR-5'), now.get('SPM-4')]).toEqual([
      'P1^HIS',
      'P1^HIS',
      'S',
      'BLD',
    ]);
    expect(made(all, { version: '2.3' }).message.raw('OBR-15')).toBe('BLD');
    expect(errorsIn(made(all, { version: '2.8' }).message)).toEqual([]);
  });
});

test('times are of the wall clock of a zone if one is given, and systems have their names', () => {
  const { message } = made(bundle(PATIENT, ENCOUNTER), {
    zone: 'America/New_York',
    systems: { ACME: 'urn:oid:1.2.36.146' },
  });
  expect(message.get('PV1-44')).toBe('20260115023000');
  expect(message.get('MSH-7')).toBe('20260115070000');
  expect(message.raw('PID-3')).toBe('12345^^^ACME^MR');
});

test('contained, conditional and absolute references are followed', () => {
  const visit = {
    ...ENCOUNTER,
    subject: { reference: 'Patient?identifier=urn:oid:1.2%7C4711' },
    contained: [{ resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Inside' }] }],
    participant: [{ ...ENCOUNTER.participant[0], individual: { reference: '#doc' } }],
    location: [{ location: { reference: 'https://fhir.example/r4/Location/ward/_history/2' } }],
  };
  const { message } = made(bundle(visit, WARD));
  expect(message.raw('PID-3')).toBe('4711^^^&1.2&ISO');
  expect(message.raw('PV1-7')).toBe('^Inside');
  expect(message.raw('PV1-3')).toBe('NORTH');
});

describe('hostile input', () => {
  test('no text leaves its place', () => {
    assert(
      property(string({ unit: 'binary' }), string(), (family, value) => {
        const { text, message } = made({
          ...PATIENT,
          name: [{ family: `x${family}`, given: [`a|b^c~d&e\\f\r${value}`] }],
        });
        expect(
          text
            .trimEnd()
            .split(/[\r\n]/)
            .map((line) => line.slice(0, 4)),
        ).toEqual(['MSH|', 'EVN|', 'PID|', 'NK1|', 'PV1|']);
        expect(message.get('PID-5.2').startsWith('a|b^c~d&e\\f\\.br\\')).toBe(true);
        expect(message.get('PID-8')).toBe('M');
      }),
    );
  });

  test.each([
    ['[]', /not a FHIR resource/],
    ['{}', /no FHIR resource/],
    ['{"resourceType":"Bundle"}', /no FHIR resource/],
    [`{"resourceType":"Patient","x":${'['.repeat(200)}${']'.repeat(200)}}`, /nested/],
  ] as const)('what is not one message is refused: %#', (body, problem) => {
    expect(() => made(body)).toThrow(problem);
  });

  test('what has the wrong type is left out', () => {
    const odd = {
      ...PATIENT,
      name: 'x',
      identifier: 5,
      address: [null, 7],
      gender: { a: 1 },
      birthDate: 'soon',
    };
    expect(made(odd).message.raw('PID')).toMatch(/^PID\|1\|\|p1\|\|\^\^\^\^\^\^U\|/);
  });

  test('ten thousand results with references in a circle take seconds at most, and the report stays short', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      resourceType: 'Observation',
      id: `o${at}`,
      status: 'final',
      code: { text: 'x' },
      valueInteger: at,
      hasMember: [{ reference: `Observation/o${(at + 1) % 10_000}` }],
      [`odd${at}`]: 1,
    }));
    const before = processorTime();
    const { lines, coverage } = made(bundle(PATIENT, ...many));
    expect(processorTime() - before).toBeLessThan(8_000);
    expect(lines.length).toBeGreaterThan(1);
    expect(coverage.unmapped.length).toBeLessThanOrEqual(500);
  });
});
