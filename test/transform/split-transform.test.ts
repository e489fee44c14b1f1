import { describe, expect, test } from 'vitest';
import { SplitTransform } from '../../src/transform/split-transform.ts';
import { transformChain } from '../../src/transform/transform-chain.ts';
import { processorTime } from '../support/processor-time.ts';
import { RESULT, scopeOf } from '../support/subject-message.ts';
import { inputOf, readProblems, textOf, transformOf } from '../support/transform-reading.ts';

function splitOf(given: Readonly<Record<string, unknown>>): SplitTransform {
  const transform = transformOf(given);
  const { split } = transform.declaration;
  if (split === undefined) throw new Error('it does not split');
  return new SplitTransform(transform, split);
}

/** The messages that a split makes of a body. */
async function made(
  given: Readonly<Record<string, unknown>>,
  body: string | Uint8Array,
  rest: { readonly type?: string; readonly charset?: string } = {},
) {
  const scope =
    typeof body === 'string'
      ? scopeOf(body, rest)
      : scopeOf(Buffer.from(body).toString('latin1'), rest);
  return splitOf(given).apply(inputOf(scope));
}

const texts = async (...given: Parameters<typeof made>): Promise<string[]> =>
  (await made(...given)).map(textOf);

const csv = { type: 'text/csv' };
const json = { type: 'application/json' };
const xml = { type: 'application/xml' };

const names = (text: string): string =>
  text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : `${line.slice(0, 3)}${line.split('|')[1] ?? ''}`))
    .slice(1)
    .join(' ');
const message = (type: string, ...segments: string[]): string =>
  [`MSH|^~\\&|A|B|C|D|2026||${type}|1|P|2.5.1`, ...segments].join('\r');

describe('HL7', () => {
  test('one message an OBR, each with the head and what belongs to its OBR', async () => {
    const outputs = await made(
      {
        split: 'OBR',
        name: 'result {part} of {parts}',
        steps: [
          { set: 'MSH-10', to: 'field("MSH-10") + "-" + string(part)' },
          { set: 'OBR-1', value: '1' },
          { each: 'OBX', steps: [{ set: 'OBX-1', to: 'string(index())' }] },
        ],
      },
      RESULT,
    );
    expect(outputs.map(({ part, parts, name, type }) => [part, parts, name, type])).toEqual([
      [1, 2, 'result 1 of 2', 'HL7v2:ORU_R01:2.5.1'],
      [2, 2, 'result 2 of 2', 'HL7v2:ORU_R01:2.5.1'],
    ]);
    expect(textOf(outputs[0])).toBe(
      `${[
        'MSH|^~\\&|LAB|MAIN|HUB|CITY|20260131153000||ORU^R01^ORU_R01|MSG002-1|P|2.5.1',
        'PID|1||4711^^^MAIN^MR||DOE^JANE||19800229|F',
        'OBR|1|||CHEM^Chemistry',
        'OBX|1|NM|GLU^Glucose||11.5|mmol/l|||||F',
        'NTE|1||fasting',
        'OBX|2|ST|COM^Comment||see note|||||F',
      ].join('\n')}\n`,
    );
    expect(textOf(outputs[1])).toContain('MSG002-2');
    expect(textOf(outputs[1])).not.toContain('GLU');
  });

  test.each([
    [
      'an ORC goes with the OBR behind it',
      message('ORU^R01', 'PID|a', 'ORC|a', 'OBR|a', 'OBX|a', 'NTE|a', 'ORC|b', 'OBR|b', 'OBX|b'),
      'OBR',
      ['PIDa ORCa OBRa OBXa NTEa', 'PIDa ORCb OBRb OBXb'],
    ],
    [
      'an ORC of several OBR goes with each',
      message('ORU^R01', 'PID|a', 'ORC|a', 'OBR|a', 'OBR|b'),
      'OBR',
      ['PIDa ORCa OBRa', 'PIDa ORCa OBRb'],
    ],
    [
      'another patient is never mixed with the first',
      message('ORU^R01', 'PID|a', 'PV1|a', 'OBR|a', 'OBX|a', 'PID|b', 'OBR|b', 'OBX|b', 'OBR|c'),
      'OBR',
      ['PIDa PV1a OBRa OBXa', 'PIDb OBRb OBXb', 'PIDb OBRc'],
    ],
    [
      'what is not of the segment is in all messages',
      message('ADT^A01', 'EVN|a', 'PID|a', 'NK1|a', 'NK1|b', 'ZNK|b', 'PV1|a', 'DG1|a'),
      'NK1',
      ['EVNa PIDa NK1a PV1a DG1a', 'EVNa PIDa NK1b ZNKb PV1a DG1a'],
    ],
    [
      'insurances with what belongs to them',
      message('ADT^A01', 'EVN|a', 'PID|a', 'PV1|a', 'IN1|a', 'IN2|a', 'IN1|b', 'ACC|a'),
      'IN1',
      ['EVNa PIDa PV1a IN1a IN2a ACCa', 'EVNa PIDa PV1a IN1b ACCa'],
    ],
    [
      'a type that HL7 does not know',
      message('ZZZ^Z01', 'PID|a', 'ZRD|a', 'ZRX|a', 'ZRD|b'),
      'ZRD',
      ['PIDa ZRDa ZRXa', 'PIDa ZRDb'],
    ],
  ])('%s', async (_, body, split, expected) => {
    const found = await texts({ split }, body);
    expect(found.map(names)).toEqual(expected);
  });

  test('several in one message carry another head along', async () => {
    const body = message('ORU^R01', 'PID|a', 'OBR|a', 'PID|b', 'OBR|b', 'OBR|c');
    const found = await texts({ split: { each: 'OBR', size: 2 } }, body);
    expect(found.map(names)).toEqual(['PIDa OBRa PIDb OBRb', 'PIDb OBRc']);
  });

  test('a patient without an OBR is not left out in silence', async () => {
    const body = message('ORU^R01', 'PID|a', 'OBR|a', 'PID|b');
    await expect(texts({ split: 'OBR' }, body)).rejects.toThrow(
      'Transform t, split: the last PID has no OBR after it,',
    );
  });

  test('the charset stays', async () => {
    const body = message('ORU^R01||||||8859/1', 'PID|1||||M\u00fcller', 'OBR|1', 'OBR|2');
    const bytes = Buffer.from(
      body.replace('|2.5.1', '|2.5.1||||||8859/1').replace('ORU^R01||||||8859/1', 'ORU^R01'),
      'latin1',
    );
    const { hl7Document } = await import('../../src/document/hl7/hl7-document.ts');
    const input = inputOf(scopeOf(RESULT));
    const outputs = await splitOf({ split: 'OBR' }).apply({
      ...input,
      document: hl7Document(bytes),
    });
    expect(Buffer.from(outputs[1]?.body ?? []).includes(Buffer.from('M\u00fcller', 'latin1'))).toBe(
      true,
    );
  });
});

describe('rows', () => {
  test('each with the header, quotes and line ends as they came; blank lines are none', async () => {
    const body = '\uFEFFmrn,name\r\n1,"a, b"\r\n\r\n2,"c\nd"\n3,e';
    expect(await texts({ split: 'rows' }, body, csv)).toEqual([
      '\uFEFFmrn,name\r\n1,"a, b"\r\n'.replaceAll('\r\n', '\n\n'),
      '\uFEFFmrn,name\n\n2,"c\nd"\n',
      '\uFEFFmrn,name\n\n3,e\n\n',
    ]);
  });

  test('several in a message, those that fit only, counted without the others', async () => {
    const body = `n\n${Array.from({ length: 10 }, (_, at) => at + 1).join('\n')}\n`;
    const given = {
      split: { each: 'rows', size: 2, when: 'int(field("n")) % 2 == 0' },
      name: '{part}/{parts}',
    };
    const outputs = await made(given, body, csv);
    expect(outputs.map(textOf)).toEqual(['n\n2\n4\n', 'n\n6\n8\n', 'n\n10\n']);
    expect(outputs.map(({ name }) => name)).toEqual(['1/3', '2/3', '3/3']);
  });

  test('into another kind', async () => {
    const given = {
      split: 'rows',
      start: 'empty',
      type: 'application/json',
      steps: [
        { set: '/mrn', to: 'field("mrn")' },
        { set: '/at', to: 'part' },
      ],
    };
    expect(await texts(given, 'mrn\n7\n8\n', csv)).toEqual([
      '{"mrn":"7","at":1}',
      '{"mrn":"8","at":2}',
    ]);
  });

  test.each([
    ['an empty body', ''],
    ['a header alone', 'mrn,name\n'],
  ])('%s makes no message, or is refused if the transform says so', async (_, body) => {
    expect(await texts({ split: 'rows' }, body, csv)).toEqual([]);
    const refusing = { split: { each: 'rows', empty: 'suspend' } };
    await expect(texts(refusing, body, csv)).rejects.toThrow('there is no rows to split by');
  });

  test('10,000 rows take a moment, and more than split.most are refused', async () => {
    const rows = Array.from({ length: 10_001 }, (_, at) => `${at},x\n`);
    const started = processorTime();
    const outputs = await made({ split: 'rows' }, `n,x\n${rows.slice(1).join('')}`, csv);
    expect(outputs).toHaveLength(10_000);
    expect(processorTime() - started).toBeLessThan(5_000);
    await expect(made({ split: 'rows' }, `n,x\n${rows.join('')}`, csv)).rejects.toThrow(
      'it would make 10001 messages, and split.most is 10000. Raise most, or put several parts into one message with split.size',
    );
    const batches = { split: { each: 'rows', size: 100 } };
    expect(await made(batches, `n,x\n${rows.join('')}`, csv)).toHaveLength(101);
  });

  test('others have their turn meanwhile', async () => {
    const rows = Array.from({ length: 10_000 }, (_, at) => `${at},x\n`).join('');
    let turns = 0;
    let over = false;
    const count = async (): Promise<void> => {
      for (; !over; turns++) await new Promise((next) => setImmediate(next));
    };
    const counting = count();
    await made({ split: { each: 'rows', when: 'field("n") != ""' } }, `n,x\n${rows}`, csv);
    over = true;
    await counting;
    expect(turns).toBeGreaterThan(2);
  });

  test('messages too large together are refused', async () => {
    const body = `n\n${'1\n'.repeat(200)}`;
    const given = { split: 'rows', start: { body: 'x'.repeat(1024 * 1024) }, type: 'text/plain' };
    await expect(made(given, body, csv)).rejects.toThrow('have more than 128 MB in total');
  });
});

describe('JSON', () => {
  const body =
    '{"patient":{"id":"7"}, "orders":[ {"id":12345678901234567890,"items":[1,2]}, {"id":2,"items":[3]} ]}';

  test('an element is a body of its own, as it is written; whole() reads what is around', async () => {
    const given = {
      split: '/orders',
      steps: [{ set: '/patient', to: 'whole("/patient/id")' }],
    };
    expect(await texts(given, body, json)).toEqual([
      '{"id":12345678901234567890,"items":[1,2],"patient":"7"}',
      '{"id":2,"items":[3],"patient":"7"}',
    ]);
  });

  test('several are an array, elements of arrays in others are found, and a root is split by /', async () => {
    expect(await texts({ split: { each: '/orders/*/items', size: 2 } }, body, json)).toEqual([
      '[1,2]',
      '[3]',
    ]);
    expect(await texts({ split: '/' }, '[{"a":1},{"a":2}]', json)).toEqual(['{"a":1}', '{"a":2}']);
  });

  test('an empty array makes none; a missing one is refused unless the transform says otherwise', async () => {
    expect(await texts({ split: '/orders' }, '{"orders":[]}', json)).toEqual([]);
    await expect(texts({ split: '/orders' }, '{"order":[1]}', json)).rejects.toThrow(
      'Transform t, split: there is no /orders to split by. If that is normal, write split.empty: discard',
    );
    const given = { split: { each: '/orders', empty: 'discard' } };
    expect(await texts(given, '{"order":[1]}', json)).toEqual([]);
  });
});

describe('XML', () => {
  const body =
    '<?xml version="1.0"?><r xmlns="urn:a" xmlns:b="urn:b" id="9"><list n="&lt;"><b:s b:x="1">one</b:s><b:s/></list></r>';

  test('an element is a document of its own, with the namespaces it had', async () => {
    const found = await texts({ split: '/r/list/s' }, body, xml);
    expect(found).toEqual([
      '<b:s xmlns="urn:a" xmlns:b="urn:b" b:x="1">one</b:s>',
      '<b:s xmlns="urn:a" xmlns:b="urn:b"/>',
    ]);
  });

  test('several stand in an element like theirs', async () => {
    const given = { split: { each: '/r/list/s', size: 2 } };
    expect(await texts(given, body, xml)).toEqual([
      '<list xmlns="urn:a" xmlns:b="urn:b" n="&lt;"><b:s b:x="1">one</b:s><b:s/></list>',
    ]);
    expect(await texts({ split: '/r/list/s', name: '{whole("/r/@id")}' }, body, xml)).toHaveLength(
      2,
    );
  });
});

test('lines of a text', async () => {
  const given = { split: { each: 'lines', size: 2 } };
  expect(await texts(given, 'a\nb\n\nc', { type: 'text/plain' })).toEqual(['a\nb\n', 'c']);
});

test('an error names the part and quotes nothing of it', async () => {
  const given = { split: 'rows', steps: [{ set: '1', to: 'string(number(field("n")))' }] };
  await expect(texts(given, 'n\n1\nSECRET\n', csv)).rejects.toThrow(
    /^Transform t, part 2 of 2: step 1 \(set 1\): The expression .* failed: [^S]*$/,
  );
});

test('a message of another kind is refused with what it is', async () => {
  await expect(texts({ split: 'rows' }, RESULT)).rejects.toThrow(
    'split: rows needs a body that is delimited, but this one is hl7',
  );
});

test('what is behind a split in a chain knows the part', async () => {
  const chain = transformChain([
    splitOf({ split: 'rows' }),
    transformOf({ name: '{part} of {parts}', steps: [] }, { name: 'second' }),
  ]);
  const outputs = await chain.apply(inputOf(scopeOf('n\n1\n2\n', csv)));
  expect(outputs.map(({ name, part, parts }) => [name, part, parts])).toEqual([
    ['1 of 2', 1, 2],
    ['2 of 2', 2, 2],
  ]);
});

test('what is wrong with a split is told at its place', () => {
  expect(readProblems({ split: 'PID-3' })).toEqual([
    'split split goes over segments (OBR), loops of X12 (2300) and transaction sets (ST, UNH), a JSON array (/orders, or / for the whole), XML elements (/report/result), rows or lines.',
  ]);
  expect(
    readProblems({ split: { each: 'rows', size: 0, most: 1e9, empty: 'x', by: 2, when: '1' } }),
  ).toEqual([
    'split.by split has no by. Known keys: each, size, most, when, empty, comment.',
    'split.size size must be a whole number from 1 to 100000.',
    'split.most most must be a whole number from 1 to 100000.',
    'split.when 0 It gives int. A condition is needed, such as field("PV1-2") == "I".',
    'split.empty empty must be discard or suspend: what happens to a message without any part.',
  ]);
  expect(readProblems({ split: {} })).toEqual(['split.each split must be a text.']);
  expect(readProblems({ split: 'MSH' })[0]).toContain('batch');
});
