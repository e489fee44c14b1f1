import { expect, test } from 'vitest';
import { fieldMask, MASKED_PATHS } from '../../../src/access/rights/field-mask.ts';
import { PERSON_SEGMENTS, SHOWN_TYPES } from '../../../src/access/rights/mask/hl7-types.ts';
import { HL7_VERSIONS, hl7Dictionary } from '../../../src/document/hl7/dictionary/dictionary.ts';

const mask = fieldMask(MASKED_PATHS);
const shown = (text: string, type: string, by = mask): string =>
  new TextDecoder().decode(by(new TextEncoder().encode(text), { type }));

const HEADER = 'MSH|^~\\&|ADT|HOSP|WARD|HOSP|20260101||ADT^A01|CTRL-123456|P|2.5.1';
/** A segment of a message as it is shown. */
const segment = (text: string, by = mask): string => {
  const [header, line] = shown(`${HEADER}\r${text}`, 'HL7v2:ADT_A01:2.5.1', by).split('\r');
  expect(header).toBe(HEADER);
  return line ?? '';
};

test('every repetition and every such segment is masked, and what separates stays', () => {
  const text = [
    HEADER,
    'PID|1||4711^^^HOSP^MR~AB-12^^^X||Müller^Änne||19700101|F|||Weg 3^^Köln',
    'NK1|1|Doe^John|SPO|Str. 9',
    'NK1|2|Roe^Jane',
    'OBX|1|NM|8867-4^Heart rate^LN||72|/min^^UCUM|60-100',
    '',
  ].join('\r');
  expect(shown(text, 'HL7v2:ADT_A01:2.5.1').split('\r')).toEqual([
    HEADER,
    'PID|1||0000^^^HOSP^MR~XX-00^^^X||Xxxxxx^Xxxx||00000000|F|||Xxx 0^^Xxxx',
    'NK1|1|Xxx^Xxxx|SPO|Xxx. 0',
    'NK1|2|Xxx^Xxxx',
    'OBX|1|NM|8867-4^Heart rate^LN||72|/min^^UCUM|60-100',
    '',
  ]);
});

/** A value with a patient’s name, number and birth in every component, as a sender writes it who fills all of them. */
const EVERYTHING = Array.from({ length: 26 }, (_, at) =>
  ['Zwingli Huldrych', '47118800', '19700101', 'Zwingli&Huldrych&47118800'].at(at % 4),
).join('^');
/** What would name the patient. */
const LEAK = /zwingli|huldrych|47118800/i;

/** Where a person’s data are, by type: an example, and how it is shown. */
const BY_TYPE: Readonly<Record<string, readonly [value: string, shown: string]>> = {
  XPN: ['Doe^John^Q^^Dr.^^L', 'Xxx^Xxxx^X^^Xx.^^L'],
  PN: ['Doe^John', 'Xxx^Xxxx'],
  PPN: ['77^Doe^John', '00^Xxx^Xxxx'],
  XCN: ['0815^Doe^John^^^^^^HOSP&1.2.3.4&ISO^L', '0000^Xxx^Xxxx^^^^^^HOSP&1.2.3.4&ISO^L'],
  CN: ['0815^Doe^John', '0000^Xxx^Xxxx'],
  CNN: ['0815^Doe^John', '0000^Xxx^Xxxx'],
  FN: ['Doe^van', 'Xxx^xxx'],
  XON: ['Doe Family Practice^D^77', 'Xxx Xxxxxx Xxxxxxxx^D^00'],
  XAD: ['Weg 3^^Köln^^50667^DE^H', 'Xxx 0^^Xxxx^^00000^DE^H'],
  AD: ['Weg 3^^Köln^^50667^DE^H', 'Xxx 0^^Xxxx^^00000^DE^H'],
  SAD: ['Weg 3^Weg^3', 'Xxx 0^Xxx^0'],
  XTN: ['+49 221 4711^PRN^PH^a@b.example', '+00 000 0000^PRN^PH^x@x.xxxxxxx'],
  TN: ['0221 4711', '0000 0000'],
  CX: ['4711^8^M10^HOSP^MR', '0000^0^M10^HOSP^MR'],
  CK: ['4711^8^M10^HOSP', '0000^0^M10^HOSP'],
  EI: ['4711^LAB', '0000^LAB'],
  EIP: ['4711&LAB^4712&LAB', '0000&XXX^0000&XXX'],
  DLN: ['A47-11^DE', 'X00-00^XX'],
  ST: ['see Mr Doe', 'xxx Xx Xxx'],
  TX: ['see Mr Doe', 'xxx Xx Xxx'],
  FT: ['see\\.br\\Mr Doe', 'xxx\\.xx\\Xx Xxx'],
  CE: ['^fell at Doe’s', '^xxxx xx Xxx’x'],
  CWE: ['4711^Doe', '4711^Xxx'],
  ED: ['Doe^TEXT^PLAIN^A^John', 'Xxx^TEXT^PLAIN^A^Xxxx'],
  NDL: ['77&Doe&John^20260101', '00&Xxx&Xxxx^20260101'],
};

test.for(Object.entries(BY_TYPE))('%s is masked as its type says', ([type, [value, as]]) => {
  // a field of the type outside the segments of a person, in any version that has one
  const { version, name, n } = placeOf(type);
  const header = `MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|${version}`;
  const text = `${header}\r${name}${'|'.repeat(n)}${value}`;
  expect(shown(text, 'HL7v2').split('\r')[1]).toBe(`${name}${'|'.repeat(n)}${as}`);
});

/** Else an observation may be of the type. */
const OBSERVED = { version: '2.5.1', n: 3 } as const;

function placeOf(type: string): {
  readonly version: string;
  readonly name: string;
  readonly n: number;
} {
  for (const version of HL7_VERSIONS.toReversed()) {
    const dictionary = hl7Dictionary(version);
    for (const name of dictionary?.segments ?? []) {
      if (PERSON_SEGMENTS.has(name) || OURS.test(name)) continue;
      const at = dictionary?.fields(name)?.findIndex((one) => one.type === type) ?? -1;
      // OBX-5 goes by OBX-2, and OBX-4 and -7 by what they are
      if (at >= 0 && name !== 'OBX') return { version, name, n: at + 1 };
    }
  }
  return { ...OBSERVED, name: `OBX|1|${type}` };
}

test('every data type of every version has a rule, or is hidden', () => {
  const rows = Object.keys(SHOWN_TYPES).map((type) => `OBX|1|${type}|1^a^LN||${EVERYTHING}`);
  for (const row of shown([HEADER, ...rows].join('\r'), 'HL7v2')
    .split('\r')
    .slice(1)) {
    expect(row).not.toMatch(LEAK);
  }
  for (const version of HL7_VERSIONS.filter((one) => !/^2\.(?:7\.1|8\..|9)$/.test(one))) {
    const dictionary = hl7Dictionary(version);
    const names = (dictionary?.segments ?? []).filter((one) => !OURS.test(one));
    const lines = names.map(
      (name) => `${name}${`|${EVERYTHING}`.repeat((dictionary?.fields(name)?.length ?? 0) + 1)}`,
    );
    const text = shown([HEADER.replace('2.5.1', version), ...lines].join('\r'), 'HL7v2');
    const left = text
      .split('\r')
      .slice(1)
      .flatMap((line) => {
        const [name = '', ...fields] = line.split('|');
        return fields.flatMap((one, at) => (LEAK.test(one) ? [`${name}-${at + 1}`] : []));
      });
    expect(
      left.filter((one) => !allowed.has(one)),
      version,
    ).toEqual([]);
  }
});

/** Segments of the exchange itself. */
const OURS = /^(?:MSH|BHS|FHS|MSA|SFT|ERR)$/;

/** Ids of messages and questions, which are shown whatever stands in them. */
const allowed = new Set([
  'QAK-1',
  'QAK-2',
  'QPD-1',
  'QPD-2',
  'QRD-1',
  'QRD-2',
  'QRD-3',
  'QRD-4',
  'EQL-1',
  'VTQ-1',
  'SPR-1',
  'QID-1',
  'BTS-1',
  'FTS-1',
  'MFA-2',
  'MFE-2',
]);

test.for([
  [
    'NK1|1|Doe^John|SPO^Spouse^HL70063|Weg 3|0221 4711',
    'NK1|1|Xxx^Xxxx|SPO^Xxxxxx^XX00000|Xxx 0|0000 0000',
  ],
  ['IN2|4711|123-45-6789', 'IN2|0000|000-00-0000'],
  ['GT1|1|4711|Doe^John|||||19700101|M', 'GT1|1|0000|Xxx^Xxxx|||||00000000|M'],
  ['QRD|20260101|R|I|Q-471199|||1^RD|4711^Doe', 'QRD|20260101|R|I|Q-471199|||1^RD|0000^Xxx'],
  [
    `PV1|1|I|W1^12^2${'|'.repeat(47)}4711^^^HOSP^VN`,
    `PV1|1|I|W1^12^2${'|'.repeat(47)}0000^^^HOSP^VN`,
  ],
  ['NTE|1|L|Mr Doe called', 'NTE|1|L|Xx Xxx xxxxxx'],
  ['OBX|1|DT|21112-8^Birth date^LN||19700101', 'OBX|1|DT|21112-8^Birth date^LN||00000000'],
  ['OBX|1|NM|1^a^L||47118800', 'OBX|1|NM|1^a^L||00000000'],
  ['ZPI|Doe|19700101|F', 'ZPI|Xxx|00000000|X'],
  ['MSA|AE|CTRL-123456|no Mr Doe', 'MSA|AE|CTRL-123456|xx Xx Xxx'],
  ['a line that broke off: Doe', 'x xxxx xxxx xxxxx xxx: Xxx'],
  [`PID|1${'|'.repeat(1_200)}Doe`, `PID|1${'|'.repeat(1_200)}Xxx`],
  ['PID|1||""|||||||||A\\T\\B\\X4D4E\\', 'PID|1||""|||||||||X\\T\\X\\X0X0X\\'],
] as const)('%s', ([line, as]) => {
  expect(segment(line)).toBe(as);
});

test('a message of an unknown version, and one with other delimiters, is masked as well', () => {
  expect(shown('MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|9.9\rPID|1||4711||Doe^J', 'HL7v2')).toContain(
    'PID|1||0000||Xxx^X',
  );
  expect(
    shown('MSH#$%!/#A#B#C#D#1##ADT$A01#1#P#2.5\rPID#1##4711$$$HOSP##Doe$J', 'HL7v2'),
  ).toContain('PID#1##0000$$$HOSP##Xxx$X');
});

test('an installation hides more, or shows what it knows', () => {
  const none = {
    hl7: [],
    x12: [],
    edifact: [],
    astm: [],
    dicom: [],
    json: [],
    xml: [],
    delimited: [],
  };
  const own = fieldMask({
    ...none,
    hl7: ['PV1-3', 'ROL'],
    json: ['code'],
    shown: { ...none, hl7: ['ZPI-2'], delimited: ['ward'], json: ['Ward_Name'] },
  });
  expect(segment('PV1|1|I|W1', own)).toBe('PV1|1|I|X0');
  expect(segment('ZPI|a|ward 7|b', own)).toBe('ZPI|x|ward 7|x');
  expect(shown('name,ward\nDoe,W12\n', 'text/csv', own)).toBe('name,ward\nXxx,W12\n');
  expect(JSON.parse(shown('{"code":"A","wardname":"W12"}', 'application/json', own))).toEqual({
    code: 'X',
    wardname: 'W12',
  });
});

test('JSON shows what it knows to be of nobody, in any case of its names; all else is masked', () => {
  const patient = {
    resourceType: 'Patient',
    id: '4711',
    Name: [{ FAMILY: 'Doe', given: ['John'], use: 'official' }],
    birthDate: '1970-01-01',
    gender: 'male',
    active: true,
    contained: [{ identifier: { system: 'urn:oid:1.2.3.4', value: '4711' }, status: 'final' }],
    subject: { reference: 'Patient/4711', display: 'John Doe' },
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Doe’s rate' }] },
    valueQuantity: { value: 72, unit: '/min' },
    effectiveDateTime: '2026-01-01T10:00:00Z',
    meta: { lastUpdated: '2026-01-01T10:00:00Z' },
    MRN: 4711,
    whatever: 'Doe',
    '4711': { ward: 1 },
    '4712': { ward: 2 },
  };
  expect(JSON.parse(shown(JSON.stringify(patient), 'application/fhir+json'))).toEqual({
    resourceType: 'Patient',
    id: '0000',
    Name: [{ FAMILY: 'Xxx', given: ['Xxxx'], use: 'official' }],
    birthDate: '0000-00-00',
    gender: 'male',
    active: true,
    contained: [{ identifier: { system: 'urn:oid:1.2.3.4', value: '0000' }, status: 'final' }],
    subject: { reference: 'Xxxxxxx/0000', display: 'Xxxx Xxx' },
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Xxx’x xxxx' }] },
    valueQuantity: { value: 72, unit: '/min' },
    effectiveDateTime: '2026-01-01T10:00:00Z',
    meta: { lastUpdated: '2026-01-01T10:00:00Z' },
    MRN: 0,
    whatever: 'Xxx',
    '0000': { ward: 0 },
    '0000#2': { ward: 0 },
  });
});

test('XML: CDA, FHIR and HL7 in XML show their codes and times, and nothing of a person', () => {
  const cda = `<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><!-- Doe -->
<id root="1.2.3.4.5" extension="4711"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Doe"/>
<effectiveTime value="20260101120000+0000"/><recordTarget><patientRole><id extension="4711" root="1.2.3.4.5"/>
<patient><name use="L"><given>John</given><family>Doe &amp; &#68;oe</family></name><birthTime value="19700101"/>
</patient></patientRole></recordTarget><text><![CDATA[Doe]]></text></ClinicalDocument>`;
  const text = shown(cda, 'application/xml');
  expect(text).not.toMatch(/Doe|John|4711|19700101|68/);
  for (const kept of [
    '<id root="1.2.3.4.5" extension="0000"/>',
    'code="34133-9" codeSystem="2.16.840.1.113883.6.1"',
    '<effectiveTime value="20260101120000+0000"/>',
    '<name use="L"><given>Xxxx</given>',
  ])
    expect(text).toContain(kept);
  const fhir =
    '<Patient xmlns="http://hl7.org/fhir"><id value="4711"/><gender value="male"/><birthDate value="1970-01-01"/></Patient>';
  expect(shown(fhir, 'application/fhir+xml')).toBe(
    '<Patient xmlns="http://hl7.org/fhir"><id value="0000"/><gender value="male"/><birthDate value="0000-00-00"/></Patient>',
  );
  expect(
    shown('<ADT><MSH><MSH.10>77</MSH.10></MSH><PID><PID.5>Doe</PID.5></PID></ADT>', 'text/xml'),
  ).toBe('<ADT><MSH><MSH.10>77</MSH.10></MSH><PID><PID.5>Xxx</PID.5></PID></ADT>');
});

test('delimited text keeps the names of its columns, unless they are no names', () => {
  expect(shown('mrn;name\n4711;"Doe; John"\n', 'text/csv')).toBe('mrn;name\n0000;"Xxx; Xxxx"\n');
  expect(shown('4711;Doe\n', 'text/csv')).toBe('0000;Xxx\n');
});

test('what cannot be taken apart is not shown at all', () => {
  expect(() => shown('Dear Mr Doe', 'text/plain')).toThrow(/message.content.unmasked/);
  const deep = `${'['.repeat(300)}1${']'.repeat(300)}`;
  expect(() => shown(deep, 'application/json')).toThrow(/too deep/);
});
