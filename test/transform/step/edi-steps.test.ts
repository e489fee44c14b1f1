import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CLAIMS, REPORT } from '../../support/edi-samples.ts';
import { environment, scopeOf } from '../../support/subject-message.ts';
import {
  inputOf,
  madeBy,
  readProblems,
  textOf,
  transformOf,
} from '../../support/transform-reading.ts';

const claims = scopeOf(CLAIMS, { type: 'X12:837P:005010X222A1' });
const report = scopeOf(REPORT, { type: 'EDIFACT:MEDRPT:D.96A' });

const made = (yaml: string, scope = claims): string => textOf(madeBy(parse(yaml), scope));

describe('steps into X12', () => {
  test('values are set, and what is not touched stays byte for byte', () => {
    expect(made(`steps: [{ set: CLM-2, to: 'field("CLM-2") + "0"' }]`)).toBe(
      CLAIMS.replace('CLM*CLAIM1*150', 'CLM*CLAIM1*1500'),
    );
  });

  test('a loop over claims reads and writes the one at hand, and what it belongs to', () => {
    const text = made(`
      steps:
        - each: 2300
          when: field("CLM-1") != "CLAIM2"
          steps:
            - { set: CLM-2, to: 'field("CLM-1") + " of " + field("2010BA/NM1-4")' }
            - each: 2400
              steps: [{ set: SV1-2, to: 'field("CLM-1") + field("LX-1")' }]
    `);
    expect(text.match(/CLM\*[^*]*\*[^*]*/g)).toEqual([
      'CLM*CLAIM1*CLAIM1 of JANE',
      'CLM*CLAIM2*75',
      'CLM*CLAIM3*CLAIM3 of JANE',
    ]);
    expect(text.match(/SV1\*[^*]*\*[^*]*/g)).toEqual([
      'SV1*HC:99213:25*CLAIM11',
      'SV1*HC:87880*CLAIM12',
      'SV1*HC:99212*75',
      'SV1*HC:99211*CLAIM31',
    ]);
  });

  test('a loop over segments sees its own claim', () => {
    const text = made(`
      steps:
        - each: SV1
          steps: [{ set: SV1-2, to: 'field("2300/CLM-1") + string(index())' }]
    `);
    expect(text.match(/SV1\*[^*]*\*[^*]*/g)?.map((one) => one.slice(-7))).toEqual([
      'CLAIM11',
      'CLAIM12',
      'CLAIM23',
      'CLAIM34',
    ]);
  });

  test('a loop that was removed is left out, and the others stay paired', () => {
    const text = made(`
      steps:
        - { remove: '2300[1]' }
        - each: 2300
          steps: [{ set: CLM-2, to: 'field("CLM-1")' }]
    `);
    expect(text.match(/CLM\*[^*]*\*[^*]*/g)).toEqual(['CLM*CLAIM2*CLAIM2', 'CLM*CLAIM3*CLAIM3']);
    expect(text).toContain('SE*35*0001~');
  });

  test('segments are inserted and appended where they belong', () => {
    const text = made(`
      steps:
        - each: CLM
          steps: [{ insert: REF, fields: { "1": '"D9"', "2": 'field("CLM-1")' } }]
        - { append: NTE, fields: { "1": '"ADD"', "2": '"last"' } }
    `);
    expect(text).toContain('CLM*CLAIM2*75***11:B:1*Y*A*Y*Y~\nREF*D9*CLAIM2~\nHI*ABK:Z0000~');
    expect(text).toContain('NTE*ADD*last~\nSE*49*0001~');
  });

  test('the type of what was made is what it says', () => {
    const output = madeBy(
      parse('{ type: X12, steps: [{ set: ST-3, value: 005010X223A3 }] }'),
      claims,
    );
    expect(output.type).toBe('X12:837I:005010X223A3');
  });

  test('a loop in a body that is no interchange fails by name', () => {
    expect(() =>
      made(
        'steps: [{ each: 2300, steps: [{ remove: HI }] }]',
        scopeOf('{}', { type: 'application/json' }),
      ),
    ).toThrow(/each: 2300 needs a body that is x12, but this one is json/);
  });
});

describe('steps into EDIFACT', () => {
  test('values keep what releases their characters', () => {
    expect(made(`steps: [{ copy: PNA-4, to: NAD-4 }]`, report)).toContain(
      "NAD+SLA+LAB1::9++DO?'E:JANE'",
    );
    expect(made(`steps: [{ set: FTX-4, to: 'field("PNA-4.1") + "?"' }]`, report)).toContain(
      "FTX+SPC+++DO?'E??'",
    );
  });

  test('loops over segments and repetitions', () => {
    const text = made(
      `steps: [{ each: INV, steps: [{ set: INV-2.2, to: 'following("RSL")[0].field("RSL-2.1")' }] }]`,
      report,
    );
    expect(text).toContain("INV+MQ+GLU:5.1::LOCAL'");
    expect(text).toContain("INV+MQ+NA:140::LOCAL'");
  });
});

const value = (source: string, scope = claims): unknown => {
  const compiled = environment.compile(source, { result: 'any' });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.expression.evaluate(scope);
};

test('expressions read segments, loops, type and version', () => {
  expect(value('type == "837P" && version == "005010X222A1" && event == ""')).toBe(true);
  expect(value('type + " " + version', report)).toBe('MEDRPT D.96A');
  expect(value('segments("CLM").exists(c, c.field("CLM-1") == "CLAIM3")')).toBe(true);
  expect(value('segments("HI").size()')).toBe(3n);
  expect(value('fields("2300[1]/2400/SV1-2")')).toEqual(['100', '50']);
  expect(value('has("2000C") && !has("2330A")')).toBe(true);
  expect(value('body().startsWith("ISA")')).toBe(true);
});

const compiled = (source: string): unknown => environment.compile(source, { result: 'any' });

test('what is wrong with a path is found before a message comes', () => {
  expect(
    readProblems(
      parse(`
        type: X12
        steps:
          - { set: clm-1, value: x }
          - { set: 2300/CLM, value: x }
          - { set: CLM-5.1.2, value: x }
          - { insert: CLAIM }
          - each: 2300/CLM
            steps: [{ remove: HI }]
      `),
    ),
  ).toEqual([
    expect.stringContaining('segment names are written in capitals'),
    expect.stringContaining('is a whole segment; name a field of it'),
    expect.stringContaining('components have no parts'),
    'steps.3.insert CLAIM is not a segment.',
    expect.stringContaining('each goes over segments'),
  ]);
  expect(compiled('field("CLM-5.1") == field("2300/HI-1.2")')).toMatchObject({ ok: true });
  expect(compiled('field("CLMM-5")')).toMatchObject({ ok: false });
  expect(compiled('field("2300/CLMM-5")')).toMatchObject({ ok: false });
});

describe('a transform that acknowledges', () => {
  const CHECKED = 'start: { acknowledge: guide }\nsteps: []';

  test('makes a 999 of what came, which steps may change', () => {
    const output = madeBy(
      parse(
        'start: { acknowledge: guide }\nname: answer.edi\nsteps: [{ set: ISA-15, value: P }, { set: GS-3, to: field("GS-2") + "X" }]',
      ),
      claims,
    );
    expect(output).toMatchObject({ type: 'X12:999:005010X231A1', name: 'answer.edi' });
    const text = textOf(output);
    expect(text).toContain('*0*P*:~GS*FA*PAYER*NORTHCLINICX*');
    expect(text).toContain('AK9*A*1*1*1~');
  });

  test('takes the form and what errors mean', () => {
    const wrong = scopeOf(CLAIMS.replace('HI*ABK:Z0000~\n', ''), { type: 'X12:837P' });
    expect(made(CHECKED, wrong)).toContain('IK5*R*4*5~');
    expect(
      made('start: { acknowledge: syntax, form: 997, errors: note }\nsteps: []', wrong),
    ).toContain('AK5*R*4~');
    expect(made('start: { acknowledge: guide, form: TA1 }\nsteps: []', wrong)).toContain('TA1*');
  });

  test('makes nothing of an acknowledgement', () => {
    const answer = scopeOf(made(CHECKED), { type: 'X12:999' });
    expect(transformOf(parse(CHECKED)).apply(inputOf(answer))).toEqual([]);
  });

  test('fails by name on another kind of body', () => {
    expect(() => made(CHECKED, scopeOf('{}', { type: 'application/json' }))).toThrow(
      /acknowledge needs a body that is x12 or edifact/,
    );
  });

  test('is checked before a message comes', () => {
    const problems = readProblems(
      parse('{ start: { acknowledge: all, form: 998, errors: ignore, more: 1 }, steps: [] }'),
    );
    expect(problems).toEqual([
      expect.stringContaining('more'),
      expect.stringContaining('acknowledge must be envelope, syntax or guide'),
      expect.stringContaining('form must be auto, TA1, 997 or 999'),
      expect.stringContaining('errors must be reject or note'),
    ]);
  });
});

test('what is wrong is told to conditions', () => {
  const wrong = scopeOf(CLAIMS.replace('HI*ABK:Z0000~\n', ''), { type: 'X12:837P' });
  expect(value('ediErrors("guide").size()')).toBe(0n);
  expect(value('ediErrors("envelope")', wrong)).toEqual(['SE-1 is not the actual count (44).']);
  expect(value('ediErrors("guide").exists(e, e.contains("HI"))', wrong)).toBe(true);
  expect(compiled('ediErrors("all").size() == 0')).toMatchObject({ ok: false });
  expect(() => value('ediErrors("guide")', scopeOf('{}', { type: 'application/json' }))).toThrow(
    /ediErrors\(\) was used on a message whose body is json/,
  );
});
