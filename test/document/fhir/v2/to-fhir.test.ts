import { describe, expect, test } from 'vitest';
import { type ToFhirOptions, toFhir } from '../../../../src/document/fhir/v2/to-fhir.ts';
import { hl7Document } from '../../../../src/document/hl7/hl7-document.ts';
import { corpusMessages, hl7 } from '../../../support/hl7-corpus.ts';
import { processorTime } from '../../../support/processor-time.ts';

interface Entry {
  readonly fullUrl: string;
  readonly resource: Record<string, unknown> & { readonly resourceType: string };
  readonly request?: Record<string, string>;
}

const PLAIN: ToFhirOptions = { bundle: 'transaction', update: undefined, zone: 'UTC', systems: {} };

/** What a message becomes. */
function made(segments: readonly string[], options: Partial<ToFhirOptions> = {}) {
  const { body, coverage } = toFhir(hl7Document(hl7(...segments)), { ...PLAIN, ...options }, 0);
  const text = Buffer.from(body).toString('utf8');
  const bundle = JSON.parse(text) as { readonly type: string; readonly entry: readonly Entry[] };
  const all = (type: string): Entry[] =>
    bundle.entry.filter(({ resource }) => resource.resourceType === type);
  const one = (type: string): Entry => {
    const [found, ...more] = all(type);
    if (found === undefined || more.length > 0) throw new Error(`not one ${type}: ${text}`);
    return found;
  };
  return { text, bundle, coverage, all, one, resource: (type: string) => one(type).resource };
}

const msh = (type: string, time = '20260131153000+0100'): string =>
  `MSH|^~\\&|EPIC^1.2.3^ISO|MAIN|HUB|CITY|${time}||${type}|MSG001|P|2.5.1`;
const PID =
  'PID|1||4711^^^MAIN&1.2.840.1&ISO^MR~999-11-2222^^^SSA^SS||DOE^JANE^M^JR^DR^^L~ROE^J^^^^^N||198002290730|F|||12 OAK ST&OAK&12^APT 2^TOWN^OH^44000^USA^H||^PRN^PH^^1^555^0102030~^NET^Internet^jane@example.org|||M||A77^^^MAIN|999-11-2222';
const PV1 =
  'PV1|1|I|W1^101^A^CAMPUS|E|||1234^WELBY^MARCUS^^^DR^^^NPI&2.16.840.1.113883.4.6&ISO|||MED|||||||||V5678^^^MAIN|||||||||||||||||||||||||202601310800';

describe('an admission', () => {
  const admission = made([msh('ADT^A01^ADT_A01'), 'EVN|A01|20260131153000', PID, PV1]);

  test('is a patient, with names, addresses, numbers and codes', () => {
    expect(admission.resource('Patient')).toMatchObject({
      identifier: [
        {
          value: '4711',
          system: 'urn:oid:1.2.840.1',
          assigner: { display: 'MAIN' },
          type: { coding: [{ code: 'MR' }] },
        },
        { value: '999-11-2222', system: 'urn:id:SSA' },
        { value: 'A77', type: { coding: [{ code: 'AN' }] } },
        { value: '999-11-2222', system: 'http://hl7.org/fhir/sid/us-ssn' },
      ],
      name: [
        { family: 'DOE', given: ['JANE', 'M'], suffix: ['JR'], prefix: ['DR'], use: 'official' },
        { family: 'ROE', given: ['J'], use: 'nickname' },
      ],
      birthDate: '1980-02-29',
      _birthDate: { extension: [{ valueDateTime: '1980-02-29T07:30:00+01:00' }] },
      gender: 'female',
      address: [
        {
          line: ['12 OAK ST', 'OAK', '12', 'APT 2'],
          city: 'TOWN',
          state: 'OH',
          postalCode: '44000',
          country: 'USA',
          use: 'home',
        },
      ],
      telecom: [
        { system: 'phone', value: '+1 555 0102030', use: 'home' },
        { system: 'email', value: 'jane@example.org' },
      ],
      maritalStatus: { coding: [{ code: 'M', display: 'Married' }] },
    });
  });

  test('and a visit, that refers to patient, doctor and places', () => {
    const { fullUrl } = admission.one('Patient');
    const visit = admission.resource('Encounter');
    expect(visit).toMatchObject({
      status: 'in-progress',
      class: { code: 'IMP' },
      subject: { reference: fullUrl },
      identifier: [{ value: 'V5678', type: { coding: [{ code: 'VN' }] } }],
      participant: [
        {
          type: [{ coding: [{ code: 'ATND' }] }],
          individual: { reference: admission.one('Practitioner').fullUrl },
        },
      ],
      period: { start: '2026-01-31T08:00:00+01:00' },
    });
    const places = admission.all('Location');
    expect(places.map(({ resource }) => resource['name'])).toEqual(['CAMPUS', 'W1', '101', 'A']);
    expect(places[3]?.resource['partOf']).toEqual({ reference: places[2]?.fullUrl });
    expect(visit['location']).toEqual([
      { location: { reference: places[3]?.fullUrl }, status: 'active' },
    ]);
  });

  test('patient and visit are updated by their identifier, others created if they are not there', () => {
    expect(admission.one('Patient').request).toEqual({
      method: 'PUT',
      url: 'Patient?identifier=urn%3Aoid%3A1.2.840.1|4711',
    });
    expect(admission.one('Practitioner').request).toEqual({
      method: 'POST',
      url: 'Practitioner',
      ifNoneExist: 'identifier=urn%3Aoid%3A2.16.840.1.113883.4.6|1234',
    });
    const created = made([msh('ADT^A01^ADT_A01'), PID, PV1], { update: [] });
    expect(created.one('Patient').request?.['method']).toBe('POST');
  });

  test('the same message has the same ids, another one others', () => {
    const again = made([msh('ADT^A01^ADT_A01'), 'EVN|A01|20260131153000', PID, PV1]);
    expect(again.text).toBe(admission.text);
    const other = made([msh('ADT^A01^ADT_A01', '20260131153001'), PID, PV1]);
    expect(other.one('Patient').fullUrl).not.toBe(admission.one('Patient').fullUrl);
  });

  test('every reference leads to an entry', () => {
    const urls = new Set(admission.bundle.entry.map(({ fullUrl }) => fullUrl));
    const references = [...admission.text.matchAll(/"reference":"([^"]+)"/g)].map(([, to]) => to);
    expect(references.length).toBeGreaterThan(5);
    expect(references.filter((to) => !urls.has(to ?? ''))).toEqual([]);
  });

  test('as a message it begins with its header, which names what it is about', () => {
    const { bundle, all } = made([msh('ADT^A01^ADT_A01'), PID, PV1], { bundle: 'message' });
    expect(bundle.type).toBe('message');
    expect(bundle.entry[0]?.resource).toMatchObject({
      resourceType: 'MessageHeader',
      eventCoding: { code: 'A01' },
      source: { name: 'EPIC', endpoint: 'urn:oid:1.2.3' },
      focus: [...all('Patient'), ...all('Encounter')].map(({ fullUrl }) => ({
        reference: fullUrl,
      })),
    });
    expect(bundle.entry[0]).not.toHaveProperty('request');
  });

  test('a discharge ends the visit, a merge replaces the old patient', () => {
    const left = made([msh('ADT^A03^ADT_A03'), PID, `${PV1}|202602010900`]);
    expect(left.resource('Encounter')).toMatchObject({
      status: 'finished',
      period: { end: '2026-02-01T09:00:00+01:00' },
    });
    const merged = made([msh('ADT^A40^ADT_A39'), PID, 'MRG|0815^^^MAIN']);
    const [kept, old] = merged.all('Patient');
    expect(old?.resource).toMatchObject({
      active: false,
      identifier: [{ value: '0815' }],
      link: [{ other: { reference: kept?.fullUrl }, type: 'replaced-by' }],
    });
  });
});

const observation = (obx: string): Record<string, unknown> =>
  made([msh('ORU^R01^ORU_R01'), PID, 'OBR|1|P1|F1|CHEM', obx]).resource('Observation');

describe('a result', () => {
  test('is a report on an order, with its observations, specimen and notes', () => {
    const { one, all, resource } = made([
      msh('ORU^R01^ORU_R01'),
      PID,
      'ORC|RE|P1^EPIC|F1^LAB||CM',
      'OBR|1|P1^EPIC|F1^LAB|24323-8^Panel^LN|||20260131|||||||||1234^WELBY||||||202601311500||CH|F',
      'NTE|1||fasting',
      'OBX|1|NM|2345-7^Glucose^LN||11.50|mmol/L^^UCUM|3.5-5.5|H|||F|||20260131143000',
      'NTE|1||repeated\\.br\\twice',
      'SPM|1|S1&EPIC^S2&LAB||SER^Serum^HL70487|||||||||||||20260131142000',
    ]);
    const report = one('DiagnosticReport');
    expect(report.resource).toMatchObject({
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '24323-8' }] },
      issued: '2026-01-31T15:00:00+01:00',
      result: all('Observation').map(({ fullUrl }) => ({ reference: fullUrl })),
      specimen: [{ reference: one('Specimen').fullUrl }],
      basedOn: [{ reference: one('ServiceRequest').fullUrl }],
    });
    expect(resource('ServiceRequest')).toMatchObject({
      status: 'completed',
      note: [{ text: 'fasting' }],
    });
    expect(resource('Observation')).toMatchObject({
      status: 'final',
      valueQuantity: {
        value: 11.5,
        unit: 'mmol/L',
        system: 'http://unitsofmeasure.org',
        code: 'mmol/L',
      },
      interpretation: [{ coding: [{ code: 'H' }] }],
      referenceRange: [{ text: '3.5-5.5' }],
      note: [{ text: 'repeated\ntwice' }],
      effectiveDateTime: '2026-01-31T14:30:00+01:00',
    });
    expect(resource('Specimen')['identifier']).toEqual([
      { value: 'S1', system: 'urn:id:EPIC' },
      { value: 'S2', system: 'urn:id:LAB' },
    ]);
  });

  test('a number keeps its digits', () => {
    const { text } = made([msh('ORU^R01^ORU_R01'), PID, 'OBX|1|NM|A||11.50|g|||||F']);
    expect(text).toContain('"value":11.50');
  });

  test.each([
    ['NM', '<5', { valueQuantity: { comparator: '<', value: 5 } }],
    ['NM', 'see note', { valueString: 'see note' }],
    ['SN', '>^10', { valueQuantity: { comparator: '>', value: 10 } }],
    ['SN', '^1^-^3', { valueRange: { low: { value: 1 }, high: { value: 3 } } }],
    ['SN', '^1^:^128', { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }],
    ['ST', 'plain', { valueString: 'plain' }],
    ['TX', 'one~two', { valueString: 'one\ntwo' }],
    ['CE', 'N^Normal^L', { valueCodeableConcept: { coding: [{ system: 'urn:id:L', code: 'N' }] } }],
    ['CWE', '^no code', { valueCodeableConcept: { text: 'no code' } }],
    ['DT', '20260131', { valueDateTime: '2026-01-31' }],
    ['TM', '0915', { valueTime: '09:15:00' }],
    ['TS', '20269931', { valueString: '20269931' }],
    ['ED', '^AP^PDF^Base64^AAAA', { extension: [{ valueAttachment: { data: 'AAAA' } }] }],
    ['ED', '^TX^^A^hello', { extension: [{ valueAttachment: { data: 'aGVsbG8=' } }] }],
    ['XX', 'a^b', { valueString: 'a^b' }],
    ['CE', 'A~B', { component: [{ code: {} }, { code: {} }] }],
  ])('a value of type %s: %s', (type, value, expected) => {
    expect(observation(`OBX|1|${type}|1^A^L||${value}||||||F`)).toMatchObject(expected);
  });

  test('orders without ORC, and two patients, are kept apart', () => {
    const { all } = made([
      msh('ORU^R01^ORU_R01'),
      'PID|1||1^^^M',
      'PV1|1|I|||||||||||||||||V1^^^M',
      'OBR|1||F1|A',
      'OBX|1|ST|X||1||||||F',
      'OBR|2||F2|B',
      'OBX|1|ST|Y||2||||||F',
      'PID|2||2^^^M',
      'OBR|1||F3|C',
      'OBX|1|ST|Z||3||||||F',
    ]);
    const [first, , third] = all('DiagnosticReport');
    expect(all('DiagnosticReport')).toHaveLength(3);
    expect(all('ServiceRequest')).toHaveLength(3);
    expect(first?.resource).toHaveProperty('encounter');
    expect(third?.resource).not.toHaveProperty('encounter');
    expect(third?.resource['subject']).toEqual({ reference: all('Patient')[1]?.fullUrl });
    expect(
      all('DiagnosticReport').map(({ resource }) => Object(resource['result']).length),
    ).toEqual([1, 1, 1]);
  });
});

describe('other messages', () => {
  test('an order', () => {
    const { resource } = made([
      msh('ORM^O01^ORM_O01'),
      PID,
      'ORC|NW|P1^EPIC||G1|||||202601311200|||1234^WELBY|||||||||CLINIC^L|1 ROAD^^TOWN',
      'OBR|1|P1^EPIC||80048^Panel^C4|S|||||||||||1234^WELBY',
      'DG1|1||E11^Diabetes^I10',
    ]);
    expect(resource('ServiceRequest')).toMatchObject({
      status: 'active',
      intent: 'order',
      code: { coding: [{ system: 'http://www.ama-assn.org/go/cpt' }] },
      authoredOn: '2026-01-31T12:00:00+01:00',
      identifier: [{ value: 'P1', system: 'urn:id:EPIC' }],
    });
    expect(resource('PractitionerRole')).toHaveProperty('organization');
    expect(resource('Organization')).toMatchObject({ name: 'CLINIC', address: [{ city: 'TOWN' }] });
  });

  test('a prescription is one, not a service', () => {
    const { resource, all } = made([
      msh('ORM^O01^ORM_O01'),
      PID,
      'ORC|NW|P1',
      'RXO|161^Aspirin^NDC|100||mg^^UCUM|||||||30',
      'RXR|PO',
    ]);
    expect(all('ServiceRequest')).toEqual([]);
    expect(resource('MedicationRequest')).toMatchObject({
      status: 'active',
      medicationCodeableConcept: { coding: [{ code: '161' }] },
      dosageInstruction: [
        {
          doseAndRate: [{ doseQuantity: { value: 100, code: 'mg' } }],
          route: { coding: [{ code: 'PO' }] },
        },
      ],
    });
  });

  test('a vaccination', () => {
    const { resource, one } = made([
      msh('VXU^V04^VXU_V04'),
      PID,
      'ORC|RE||65^DCS',
      'RXA|0|1|20260130||08^HepB^CVX|999|||||||||MRK12345|20271231|MSD^Merck^MVX||||CP|A',
      'RXR|IM^^HL70162|LA',
      'OBX|1|CE|64994-7^Eligibility^LN|1|V05^VFC^HL70064||||||F',
    ]);
    expect(resource('Immunization')).toMatchObject({
      status: 'completed',
      vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '08' }] },
      occurrenceDateTime: '2026-01-30',
      lotNumber: 'MRK12345',
      expirationDate: '2027-12-31',
    });
    expect(resource('Immunization')).not.toHaveProperty('doseQuantity');
    expect(resource('Observation')['partOf']).toEqual([{ reference: one('Immunization').fullUrl }]);
  });

  test('an appointment with patient, person and place', () => {
    const { resource, all } = made([
      msh('SIU^S12^SIU_S12'),
      'SCH|P1^EPIC|F1^SCHED|||||CHECKUP^Checkup|ROUTINE|30|min|^^30^202602011000^202602011030||||||||||||||BOOKED',
      PID,
      'RGS|1',
      'AIL|1||ROOM1^^^MAIN',
      'AIP|1||1234^WELBY^MARCUS',
      'NTE|1||bring papers',
      'NTE|2||on time',
    ]);
    expect(resource('Appointment')).toMatchObject({
      status: 'booked',
      start: '2026-02-01T10:00:00+01:00',
      end: '2026-02-01T10:30:00+01:00',
      minutesDuration: 30,
      comment: 'bring papers\non time',
    });
    expect(Object(resource('Appointment')['participant'])).toHaveLength(3);
    expect(all('Location')).toHaveLength(2);
  });

  test('a document, its lines in one text', () => {
    const { resource } = made([
      msh('MDM^T02^MDM_T02'),
      PID,
      'TXA|1|DS^Discharge|TX||||202601311500||1234^WELBY|||DOC1^EPIC|||||AU||AV',
      'OBX|1|TX|1^Body||first line||||||F',
      'OBX|2|TX|1^Body||second ü||||||F',
    ]);
    const document = resource('DocumentReference');
    expect(document).toMatchObject({
      status: 'current',
      docStatus: 'final',
      masterIdentifier: { value: 'DOC1' },
    });
    const [content] = document['content'] as { attachment: { data: string } }[];
    expect(Buffer.from(content?.attachment.data ?? '', 'base64').toString('utf8')).toBe(
      'first line\nsecond ü',
    );
  });
});

const born = (text: string, options: Partial<ToFhirOptions> = {}): unknown =>
  made([msh('ADT^A28', '202601011200'), `PID|1||1||||||||||||||||||||||||||${text}`], options).all(
    'Patient',
  )[0]?.resource['deceasedDateTime'];

describe('times', () => {
  test.each([
    ['2026', '2026'],
    ['202601', '2026-01'],
    ['20260131', '2026-01-31'],
    ['2026013115', '2026-01-31T15:00:00Z'],
    ['202601311530-0500', '2026-01-31T15:30:00-05:00'],
    ['20260131153000.123+0000', '2026-01-31T15:30:00.123Z'],
    ['20260000', '2026'],
    ['20260230', undefined],
    ['yesterday', undefined],
    ['202601312560', undefined],
    ['""', undefined],
  ])('%s is %s', (text, expected) => {
    expect(born(text)).toBe(expected);
  });

  test('the zone of the production holds where the message has none, in summer and winter', () => {
    const zone = 'Europe/Berlin';
    expect(born('202601311530', { zone })).toBe('2026-01-31T15:30:00+01:00');
    expect(born('202607311530', { zone })).toBe('2026-07-31T15:30:00+02:00');
  });
});

describe('what is not mapped', () => {
  test('is told by place, never by value', () => {
    const { coverage } = made([
      msh('ADT^A01^ADT_A01'),
      `PID|1||4711^^^MAIN^MR^^^^^^SECRET||DOE${'|'.repeat(38)}SECRET`,
      'ZPI|SECRET|SECRET',
      'PV1|1|I||||||||||||||||SECRET',
    ]);
    expect(coverage.unmapped).toEqual(['PID-3.11', 'PID-43', 'ZPI', 'PV1-18']);
    expect(coverage.fields).toBe(coverage.allFields - 4);
  });

  test('a code that FHIR does not know counts as not mapped', () => {
    const { coverage, resource } = made([msh('ADT^A01'), 'PID|1||4711||DOE|||ZZ']);
    expect(coverage.unmapped).toEqual(['PID-8']);
    expect(resource('Patient')).not.toHaveProperty('gender');
  });

  test('names of systems that the production gives are used', () => {
    const { resource } = made([msh('ADT^A01'), 'PID|1||4711^^^MAIN||DOE'], {
      systems: { MAIN: 'https://main.example/mrn' },
    });
    expect(resource('Patient')['identifier']).toMatchObject([
      { system: 'https://main.example/mrn' },
    ]);
  });
});

describe('odd messages', () => {
  test('only a header, an unknown type, empty segments', () => {
    expect(made(['MSH|^~\\&']).bundle).not.toHaveProperty('entry');
    expect(
      made([msh('ZZZ^Z99'), 'PID|1||4711', 'OBX|', 'PV1||', 'NTE|1||x']).all('Patient'),
    ).toHaveLength(1);
    expect(made([msh('ORU^R01'), 'OBX', 'OBX|1|ST|A||x||||||F']).all('Observation')).toHaveLength(
      1,
    );
  });

  test('ten thousand observations take a few seconds of processor time at most', () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, at) => `OBX|${at}|NM|${at}^A^L||${at}|g|||||F`,
    );
    const before = processorTime();
    expect(made([msh('ORU^R01'), PID, 'OBR|1||F1|A', ...lines]).all('Observation')).toHaveLength(
      10_000,
    );
    expect(processorTime() - before).toBeLessThan(6_000);
  });

  test('every message of the corpus becomes FHIR, most of its fields', () => {
    let fields = 0;
    let all = 0;
    for (const { message } of corpusMessages()) {
      const { coverage } = toFhir(message, PLAIN, 0);
      fields += coverage.fields;
      all += coverage.allFields;
    }
    expect(all).toBeGreaterThan(5_000);
    expect(fields / all).toBeGreaterThan(0.85);
  });
});

const orderOf = (set: string, filler: string, code: string): string =>
  `OBR|${set}|P1^HIS|${filler}^LIS|${code}^a test^LN|||20260131100000`;
const reportOf = (...segments: string[]): ReturnType<typeof made> =>
  made([msh('ORU^R01^ORU_R01'), PID, ...segments]);
const searchesOf = (bundle: ReturnType<typeof made>, type: string): string[] =>
  bundle.all(type).map(({ request }) => request?.['ifNoneExist'] ?? request?.['url'] ?? '');
const numbered = (of: string): string => `identifier=urn%3Aid%3A${of}`;
const codedAs = (of: string): string => `code=http%3A%2F%2Floinc.org|${of}`;

describe('orders and reports of one number', () => {
  test('are found each by its code, and a report by the number of the laboratory', () => {
    const bundle = reportOf(orderOf('1', 'F1', '24323-8'), orderOf('2', 'F1', '58410-2'));
    expect(searchesOf(bundle, 'ServiceRequest')).toEqual([
      `${numbered('HIS|P1')}&${codedAs('24323-8')}`,
      `${numbered('HIS|P1')}&${codedAs('58410-2')}`,
    ]);
    expect(searchesOf(bundle, 'DiagnosticReport')).toEqual([
      `DiagnosticReport?${numbered('LIS|F1')}&${codedAs('24323-8')}`,
      `DiagnosticReport?${numbered('LIS|F1')}&${codedAs('58410-2')}`,
    ]);
  });

  test('with one code by all their numbers', () => {
    const bundle = reportOf(orderOf('1', 'F1', '24323-8'), orderOf('2', 'F2', '24323-8'));
    expect(searchesOf(bundle, 'ServiceRequest')).toEqual([
      `${numbered('HIS|P1')}&${codedAs('24323-8')}&${numbered('LIS|F1')}`,
      `${numbered('HIS|P1')}&${codedAs('24323-8')}&${numbered('LIS|F2')}`,
    ]);
    expect(new Set(searchesOf(bundle, 'DiagnosticReport')).size).toBe(2);
  });

  test('with nothing to tell them apart are created each, since one search for both would lose one', () => {
    const bundle = reportOf(orderOf('1', 'F1', '24323-8'), orderOf('2', 'F1', '24323-8'));
    expect(searchesOf(bundle, 'ServiceRequest')).toEqual(['ServiceRequest', 'ServiceRequest']);
    expect(searchesOf(bundle, 'DiagnosticReport')).toEqual([
      'DiagnosticReport',
      'DiagnosticReport',
    ]);
  });

  test('alone an order is found by its number, whatever is ordered now', () => {
    const changed = made([msh('ORM^O01^ORM_O01'), PID, 'ORC|XO|P1^HIS', 'OBR|1|P1^HIS||1-1^x^LN']);
    expect(changed.one('ServiceRequest').request?.['url']).toBe(
      `ServiceRequest?${numbered('HIS|P1')}`,
    );
  });

  test.each([
    ['CA', 'revoked'],
    ['DR', 'revoked'],
    ['UA', 'revoked'],
    ['UC', 'active'],
    ['HD', 'on-hold'],
  ])('%s means %s', (control, status) => {
    const bundle = made([
      msh('OMG^O19^OMG_O19'),
      PID,
      `ORC|${control}|P1^HIS`,
      'OBR|1|P1^HIS||1-1^x^LN',
    ]);
    expect(bundle.resource('ServiceRequest')).toMatchObject({ status });
  });
});
