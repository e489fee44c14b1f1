import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentOf } from '../../src/document/document-of.ts';
import { ADMISSION, RESULT, scopeOf } from '../support/subject-message.ts';
import { inputOf, linesOf, madeBy, textOf, transformOf } from '../support/transform-reading.ts';

test('the transform of the production format does what it says', () => {
  const made = madeBy(
    {
      start: 'copy',
      type: 'ADT_A01:2.3',
      steps: [
        { set: 'MSH-3', to: '"WAYBILL"' },
        { set: 'PV1-3.1', to: 'lookup("wards", field("PV1-3.1"), "UNKNOWN")' },
        { remove: 'NK1' },
        {
          each: 'OBX',
          when: 'field("OBX-2") == "NM"',
          steps: [{ set: 'OBX-6', to: 'upper(field("OBX-6"))' }],
        },
        { append: 'NTE', fields: { '1': '"1"', '3': '"routed " + string(received)' } },
      ],
    },
    scopeOf(ADMISSION + RESULT.slice(RESULT.indexOf('\rOBR'))),
  );
  expect(made.type).toBe('HL7v2:ADT_A01:2.3');
  expect(textOf(made)).toBe(
    `${[
      'MSH|^~\\&|WAYBILL|MAIN|HUB|CITY|20260131153000||ADT^A01|MSG001|P|2.3',
      'EVN|A01|20260131153000',
      'PID|1||4711^^^MAIN^MR~999-11-2222^^^SSA^SS||DOE^JANE||19800229|F|||12 OAK ST^^TOWN||(555) 010-2030',
      'PV1|1|I|North^101^A|U|||1234^WELBY^MARCUS||||||||||||V5678',
      'OBR|1|||CHEM^Chemistry',
      'OBX|1|NM|GLU^Glucose||11.5|MMOL/L|||||F',
      'NTE|1||fasting',
      'OBX|2|ST|COM^Comment||see note|||||F',
      'OBR|2|||HEM^Haematology',
      'OBX|1|NM|HGB^Haemoglobin||8.1|MMOL/L|||||F',
      'NTE|1||routed 2026-01-31T15:30:00.000Z',
    ].join('\n')}\n`,
  );
});

test('a text that begins HL7 may be written line by line, and its segments end with CR', () => {
  const body = 'MSH|^~\\&|HIS|MAIN|LAB|MAIN|||ORM^O01|1|P|2.3\nPID|1\nORC|NW\n';
  const start = { body };
  const steps = [
    { set: 'PID-3', to: 'field("PID-3.1")' },
    { append: 'NTE', fields: { '1': '"1"' } },
  ];
  const made = madeBy({ start, type: 'ORM_O01:2.3', steps }, scopeOf(ADMISSION));
  expect(Buffer.from(made.body).toString()).toBe(
    'MSH|^~\\&|HIS|MAIN|LAB|MAIN|||ORM^O01|1|P|2.3\rPID|1||4711\rORC|NW\rNTE|1\r',
  );
});

const report = (data: string): string =>
  `${ADMISSION}\rOBX|1|ED|PDF||^application^pdf^Base64^${data}\r`;

test('what a value holds in base64 becomes the message, and nothing else does', () => {
  const pdf = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 13, 10, 255, 200]);
  const encoded = pdf.toString('base64');
  const given = {
    start: { base64: 'field("OBX-5.5")' },
    type: 'application/pdf',
    name: '{field("PID-3.1")}.pdf',
  };
  const made = madeBy(given, scopeOf(report(encoded)));
  expect(made).toMatchObject({ type: 'application/pdf', name: '4711.pdf' });
  expect(Buffer.from(made.body).equals(pdf)).toBe(true);
  const broken = `${encoded.slice(0, 4)}\\X0D\\\\X0A\\ ${encoded.slice(4)}`;
  expect(Buffer.from(madeBy(given, scopeOf(report(broken))).body).equals(pdf)).toBe(true);
  expect(() => madeBy(given, scopeOf(report('')))).toThrow(/its start: what base64 names is empty/);
  for (const data of ['!!kein base64!!', 'JVBERi0=JVBERi0=', 'A']) {
    const run = () => madeBy(given, scopeOf(report(data)));
    expect(run).toThrow(/what base64 names is not base64/);
  }
  const inside = { ...given, type: 'application/json', steps: [{ set: '/b', value: '2' }] };
  const json = madeBy(inside, scopeOf(report(Buffer.from('{"a":1}').toString('base64'))));
  expect(JSON.parse(Buffer.from(json.body).toString())).toEqual({ a: 1, b: '2' });
});

test('expressions read the message as it came, whatever was written before', () => {
  const made = madeBy(
    {
      steps: [
        { set: 'PID-5.1', to: 'field("PID-5.2")' },
        { set: 'PID-5.2', to: 'field("PID-5.1")' },
        { remove: 'PV1' },
        { set: 'PID-18', to: 'field("PV1-19")' },
      ],
    },
    scopeOf(ADMISSION),
  );
  expect(linesOf(made, 'PID')[0]).toContain('|JANE^DOE|');
  expect(linesOf(made, 'PID')[0]).toMatch(/\|V5678$/);
  expect(linesOf(made, 'PV1')).toEqual([]);
});

test('a copy that no step changes is the same bytes', () => {
  const body = Buffer.from(`${ADMISSION}\r\rZZZ|odd  |\\X`);
  const scope = scopeOf(body.toString());
  expect(Buffer.from(madeBy({ steps: [] }, scope).body).equals(body)).toBe(true);
});

test('what the transform writes does not reach the message it got', () => {
  const input = inputOf(scopeOf(ADMISSION));
  const before = Buffer.from(input.document.bytes());
  void transformOf({ steps: [{ set: 'PID-5.1', value: 'X' }, { remove: 'NK1' }] }).apply(input);
  expect(before.equals(input.document.bytes())).toBe(true);
});

describe('the type of the new message', () => {
  test.for<[string, string | undefined, string, string]>([
    ['stays', undefined, 'HL7v2:ADT_A01:2.5.1', '|ADT^A01^ADT_A01|'],
    ['brings its structure along', 'ADT_A04:2.6', 'HL7v2:ADT_A04:2.6', '|ADT^A04^ADT_A01|'],
    ['keeps the version', 'ADT_A08', 'HL7v2:ADT_A08:2.5.1', '|ADT^A08^ADT_A01|'],
    ['has no structure before 2.3.1', 'ADT_A08:2.3', 'HL7v2:ADT_A08:2.3', '|ADT^A08|'],
    ['may be written in full', 'HL7v2:ADT_A03:2.5', 'HL7v2:ADT_A03:2.5', '|ADT^A03^ADT_A03|'],
  ])('%s', ([, type, result, header]) => {
    const made = madeBy({ ...(type === undefined ? {} : { type }), steps: [] }, scopeOf(ADMISSION));
    expect(made.type).toBe(result);
    expect(linesOf(made, 'MSH')[0]).toContain(header);
  });

  test('is what the steps write into MSH', () => {
    const made = madeBy({ steps: [{ set: 'MSH-9.2', value: 'A02' }] }, scopeOf(ADMISSION));
    expect(made.type).toBe('HL7v2:ADT_A02:2.5.1');
  });

  test('of another kind needs an empty start', () => {
    expect(() => madeBy({ type: 'application/json', steps: [] }, scopeOf(ADMISSION))).toThrow(
      'Transform t, its start: a copy of a body that is hl7 cannot become application/json. Write start: empty, or use a transform in TypeScript.',
    );
  });
});

describe('an empty start', () => {
  test('gives a header that a receiver accepts, with the control id of the message that came', () => {
    const made = madeBy({ start: 'empty', type: 'MDM_T02:2.5', steps: [] }, scopeOf(ADMISSION));
    expect(textOf(made)).toMatch(
      /^MSH\|\^~\\&\|\|\|\|\|20\d{12}\|\|MDM\^T02\^MDM_T02\|MSG001\|P\|2\.5\n$/,
    );
  });

  test('keeps delimiters and charset of the message that came', () => {
    const odd = 'MSH$*~\\&$A$B$C$D$20260131$$ADT*A01$M1$T$2.5$$$$$$UNICODE UTF-8\rPID$1$$7*8\r';
    const made = madeBy(
      {
        start: 'empty',
        type: 'ADT_A01',
        steps: [{ copy: 'PID' }, { set: 'PID-5.1', value: 'Ü$*' }],
      },
      scopeOf(odd),
    );
    expect(textOf(made)).toMatch(
      /^MSH\$\*~\\&\$\$\$\$\$20\d{12}\$\$ADT\*A01\*ADT_A01\$M1\$T\$2\.5\$\$\$\$\$\$UNICODE UTF-8\nPID\$1\$\$7\*8\$\$Ü\\F\\\\S\\\n$/,
    );
  });

  test('makes HL7 of JSON', () => {
    const made = madeBy(
      {
        start: 'empty',
        type: 'ADT_A08:2.5',
        steps: [{ set: 'PID-5.1', to: 'json("/name")' }],
      },
      scopeOf('{"name":"Doe"}', { type: 'application/json' }),
    );
    expect(textOf(made)).toMatch(/\|ADT\^A08\^ADT_A01\|7\|P\|2\.5\nPID\|\|\|\|\|Doe\n$/);
  });

  test('makes JSON, XML and CSV of HL7', () => {
    const json = madeBy(
      {
        start: 'empty',
        type: 'application/json',
        steps: [
          { set: '/patient/name', to: 'field("PID-5.1")' },
          { each: 'NK1', steps: [{ set: '/kin/#/name', to: 'field("NK1-2.2")' }] },
        ],
      },
      scopeOf(ADMISSION),
    );
    expect(JSON.parse(textOf(json))).toEqual({
      patient: { name: 'DOE' },
      kin: [{ name: 'JOHN' }, { name: 'ANN' }],
    });
    const xml = madeBy(
      {
        start: { body: '<report/>' },
        type: 'application/xml',
        steps: [
          { set: '/report/@mrn', to: 'field("PID-3.1")' },
          { each: 'NK1', steps: [{ set: '/report/kin[#]', to: 'field("NK1-2.2")' }] },
        ],
      },
      scopeOf(ADMISSION),
    );
    expect(textOf(xml)).toBe('<report mrn="4711"><kin>JOHN</kin><kin>ANN</kin></report>');
    const csv = madeBy(
      {
        start: 'empty',
        type: 'text/csv',
        name: '{field("PID-3.1")}.csv',
        steps: [
          {
            each: 'NK1',
            when: 'has("NK1-3")',
            steps: [
              { set: '[#]/name', to: 'field("NK1-2.2") + ", " + field("NK1-2.1")' },
              { set: '[#]/relation', to: 'field("NK1-3")' },
            ],
          },
        ],
      },
      scopeOf(ADMISSION),
    );
    expect(textOf(csv)).toBe('name,relation\n"JOHN, DOE",SPO\n"ANN, DOE",MTH\n');
    expect(csv).toMatchObject({ type: 'text/csv', name: '4711.csv' });
  });
});

test('the label of the message stays unless the transform gives one', () => {
  const scope = scopeOf(ADMISSION, { name: 'in.hl7' });
  expect(madeBy({ steps: [] }, scope).name).toBe('in.hl7');
  expect(madeBy({ name: '{event}_{id}', steps: [] }, scope).name).toBe('A01_7');
});

describe('any text that is set', () => {
  const text = string({ unit: 'binary' }).filter((value) => value.isWellFormed());
  const hl7 = scopeOf(ADMISSION.replace('|2.5.1', '|2.5.1||||||UNICODE UTF-8'));

  test('is read back equal from HL7', () => {
    assert(
      property(text, (value) => {
        const made = madeBy(
          {
            steps: [
              { set: 'PID-5.1', value },
              { set: 'PV1-3.4.2', value },
            ],
          },
          hl7,
        );
        const document = documentOf(made.body, { type: made.type, charset: made.charset });
        expect(document.get('PID-5.1')).toBe(value);
        expect(document.get('PV1-3.4.2')).toBe(value);
        expect(document.get('PID-5.2')).toBe('JANE');
        expect(document.get('PV1-19')).toBe('V5678');
      }),
    );
  });

  test('is read back equal from JSON', () => {
    const json = scopeOf('{"a":"b","n":[1,2]}', { type: 'application/json' });
    assert(
      property(text, (value) => {
        const made = madeBy(
          {
            steps: [
              { set: '/a', value },
              { set: '/new/0/x', value },
            ],
          },
          json,
        );
        expect(JSON.parse(Buffer.from(made.body).toString())).toEqual({
          a: value,
          n: [1, 2],
          new: [{ x: value }],
        });
      }),
    );
  });

  test('is what an expression gives, passed on', () => {
    assert(
      property(text, (value) => {
        const source = documentOf(hl7.document().bytes(), { type: hl7.message.type });
        source.set('PID-5.1', value);
        const scope = { message: hl7.message, document: () => source };
        const made = madeBy({ steps: [{ set: 'PID-9.1', to: 'field("PID-5.1")' }] }, scope);
        const document = documentOf(made.body, { type: made.type });
        expect(document.get('PID-9.1')).toBe(value);
      }),
    );
  });
});

describe('a step that fails', () => {
  const MARKER = 'SECRET-4711';
  const scope = scopeOf(ADMISSION.replace('DOE^JANE', `${MARKER}^Ü`));

  test.for<[string, unknown[], string]>([
    [
      'names the transform, the step and the expression',
      [
        { set: 'PID-8', value: 'F' },
        { set: 'PID-9', to: 'string(number(field("PID-5.1")))' },
      ],
      'Transform t, step 2 (set PID-9): The expression string(number(field("PID-5.1"))) failed: number() was given a text that is not a number.',
    ],
    [
      'is numbered inside of the steps around it',
      [
        {
          each: 'NK1',
          steps: [{ each: 'NK1-2', steps: [{ set: 'NK1-2.1', to: 'fields("NK1-2")[3]' }] }],
        },
      ],
      'Transform t, step 1.1.1 (set NK1-2.1): The expression fields("NK1-2")[3] failed: a position is outside the list at column 1.',
    ],
    [
      'may be its condition',
      [{ remove: 'NK1', when: 'number(field("PID-5.1")) > 1' }],
      'Transform t, step 1 (remove NK1): The expression number(field("PID-5.1")) > 1 failed: number() was given a text that is not a number.',
    ],
    [
      'may be one that the body refuses',
      [{ set: 'MSH-18', value: 'ASCII' }],
      'Transform t, step 1 (set MSH-18): MSH-18: ',
    ],
    [
      'may be a place that cannot be made',
      [{ set: 'NK1[9]-1', value: '1' }],
      'Transform t, step 1 (set NK1[9]-1): NK1[9]-1 cannot be written',
    ],
  ])('%s', ([, steps, text]) => {
    const failing = (): unknown => madeBy({ steps }, scope);
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'TRANSFORM_FAILED',
        message: expect.stringContaining(text),
        retryable: false,
      }),
    );
    expect(failing).not.toThrow(MARKER);
  });
});
