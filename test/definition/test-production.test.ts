import { expect, test } from 'vitest';
import { describeReport, type TestReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { productionFolder, sampleIn, sampleOut } from '../support/production.ts';

const ADT =
  'MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01^ADT_A01|A1|P|2.5.1\nPID|1||123^^^MAIN||DOE^JOHN\nNK1|1|DOE^JANE\nNK1|2|DOE^JIM\nPV1|1|I|W1\n';
const FILES = {
  'production.yaml': `production: p
services:
  in: { adapter: sample-in, to: [router] }
processes:
  router:
    rules:
      - name: inpatients
        when: type == "ADT_A01" && field("PV1-2") == "I"
        send:
          - { to: ward, transform: to-ward }
          - { to: worker, when: field("PV1-3") == "ICU" }
      - name: broken
        when: number(field("PV1-2")) > 0.0
        send: ward
      - otherwise: suspend
  worker:
    code: worker.ts
    run: queued
    order: none
    to: [lab, ward]
    receives: { key: 'field("PID-3.1")' }
operations:
  ward: { adapter: sample-out, settings: { connect: "\${env:WARD}" } }
  lab: { adapter: sample-out, settings: { connect: lab:1 } }
transforms: { to-ward: to-ward.yaml }
lookups: { wards: wards.csv }
`,
  'to-ward.yaml': `type: ADT_A01:2.3
steps:
  - { set: MSH-3, value: HUB }
  - { set: MSH-7, to: 'format(now(), "yyyyMMdd", "UTC")' }
  - { set: PV1-3, to: 'lookup("wards", field("PV1-3"), "?")' }
  - { remove: "NK1[2]" }
`,
  'wards.csv': 'W1,NORTH\nICU,INTENSIVE\n',
  'worker.ts': `export default async (message, context) => {
  await context.sleep(3_600_000);
  const answer = await context.call('lab', { body: 'question', type: 'text/plain' });
  await context.send('ward', { body: answer.status + ' ' + (answer.code ?? ''), type: 'text/plain' });
  return { body: Buffer.from('done'), type: 'text/plain', code: 'AA' };
};
`,
  'adt.hl7': ADT,
  'icu.hl7': ADT.replace('|W1', '|ICU'),
  'text.txt': 'hello\n',
};

async function run(
  cases: string,
  files: Readonly<Record<string, string>> = {},
): Promise<TestReport> {
  await using folder = await productionFolder({
    ...FILES,
    ...files,
    'production.test.yaml': `clock: 2026-01-15T08:00:00Z\nenvironment: { WARD: ward:1 }\ncases:\n${cases}`,
  });
  return await testProduction(folder.path, {
    adapters: [sampleIn, sampleOut],
    environment: {},
  });
}
const failuresOf = async (cases: string): Promise<unknown> => {
  const { problems, cases: reports } = await run(cases);
  expect(problems.map(describeProblem)).toEqual([]);
  return reports.flatMap(({ failures }) => failures);
};

test('a case passes when every target gets what it says', async () => {
  const report = await run(`
  - name: one
    message: adt.hl7
    rules: { router: [inpatients] }
    expect:
      ward:
        type: ADT_A01:2.3
        fields: { MSH-3: HUB, MSH-7: 20260115, PV1-3: NORTH, "PID-5.1": DOE }
        present: [PID, NK1]
        absent: ["NK1[2]", ZZZ]
        contains: "|HUB|"
`);
  expect(report).toMatchObject({ production: 'p', problems: [], passed: 1, failed: 0 });
});

test('every value that differs is shown with what was expected and the segment it stands in', async () => {
  expect(
    await failuresOf(`
  - name: one
    message: adt.hl7
    expect:
      ward:
        type: ADT_A01:2.5
        name: other
        fields: { MSH-3: WAYBILL, NK1-2.2: [JANE, JIM], PV1-3: NORTH }
        absent: [NK1]
        present: [ZZZ]
        contains: something
`),
  ).toEqual([
    { at: 'ward, type', expected: 'ADT_A01:2.5', actual: 'HL7v2:ADT_A01:2.3' },
    { at: 'ward, name', expected: 'other', actual: 'adt.hl7' },
    {
      at: 'ward',
      expected: '… something …',
      actual: expect.stringMatching(/^\d+ characters without this text$/),
    },
    {
      at: 'ward, MSH-3',
      expected: 'WAYBILL',
      actual: 'HUB',
      line: expect.stringMatching(/^MSH\|/),
    },
    { at: 'ward, NK1-2.2', expected: 'JANE | JIM', actual: 'JANE', line: 'NK1|1|DOE^JANE' },
    { at: 'ward, ZZZ', expected: 'something', actual: 'nothing', line: undefined },
    { at: 'ward, NK1', expected: 'nothing', actual: 'something', line: 'NK1|1|DOE^JANE' },
  ]);
});

test('a target that gets too many, too few or unexpected messages is a failure', async () => {
  expect(
    await failuresOf(`
  - { name: one, message: adt.hl7, expect: { ward: 2 } }
  - { name: two, message: adt.hl7, expect: { lab: 0 } }
  - { name: three, message: adt.hl7, expect: { lab: 0 }, others: any }
`),
  ).toEqual([
    { at: 'ward', expected: '2 messages', actual: '1 message (HL7v2:ADT_A01:2.3)' },
    { at: 'ward', expected: 'no message', actual: '1 message (HL7v2:ADT_A01:2.3)' },
  ]);
});

test('a whole body is compared line by line', async () => {
  const { cases } = await run(
    `
  - { name: one, message: adt.hl7, expect: { ward: { body: expected.hl7 } } }
`,
    { 'expected.hl7': ADT.replace('DOE^JOHN', 'ROE^JOHN') },
  );
  expect(cases[0]?.failures).toMatchObject([
    {
      at: 'ward, body, line 1',
      expected: expect.stringContaining('EPIC'),
      actual: expect.stringContaining('HUB'),
    },
  ]);
});

test('the rules that fire must be those that are named', async () => {
  expect(
    await failuresOf(`
  - { name: one, message: adt.hl7, rules: { router: [] }, others: any }
  - { name: two, text: hello, rules: { router: [inpatients] }, suspended: router }
`),
  ).toEqual([
    { at: 'rules of router', expected: 'none', actual: 'inpatients' },
    { at: 'rules of router', expected: 'inpatients', actual: 'none' },
  ]);
});

test('a message that is suspended without being expected to says why', async () => {
  expect(
    await failuresOf(`
  - { name: one, message: text.txt, expect: { ward: 0 } }
  - { name: two, message: adt.hl7, suspended: { router: no rule }, others: any }
  - { name: three, message: text.txt, suspended: { router: another reason } }
  - { name: four, message: text.txt, suspended: router }
`),
  ).toEqual([
    { at: 'router', expected: 'not suspended', actual: expect.stringContaining('suspended: ') },
    { at: 'router', expected: 'suspended: … no rule …', actual: 'completed' },
    {
      at: 'router',
      expected: 'suspended: … another reason …',
      actual: expect.stringContaining('suspended: '),
    },
  ]);
});

test('a discarded message is expected by the process that discards it', async () => {
  const files = {
    'production.yaml': FILES['production.yaml'].replace('otherwise: suspend', 'otherwise: discard'),
  };
  const { cases } = await run(
    `
  - { name: one, message: adt.hl7, discarded: router, others: any }
  - { name: two, text: "{}", type: "HL7v2:X", discarded: worker }
`,
    files,
  );
  expect(cases.map(({ failures }) => failures[0])).toMatchObject([
    { at: 'router', expected: 'discarded', actual: 'completed' },
    { at: 'router', expected: 'not suspended' },
  ]);
});

test('code processes run with scripted answers, and what they call and answer is checked', async () => {
  const report = await run(`
  - name: the laboratory answers
    message: icu.hl7
    calls: { lab: { code: AA } }
    expect:
      lab: { type: text/plain, contains: question }
      ward: [{ type: ADT_A01:2.3 }, { type: text/plain, contains: completed AA }]
    reply: { code: AA }
  - name: the laboratory fails
    message: icu.hl7
    calls: { lab: [{ status: error }] }
    expect: { lab: 1, ward: [{}, { contains: error }] }
  - name: nobody answers
    message: icu.hl7
    expect: { ward: 1, lab: 1 }
    suspended: { worker: the case has no answer from lab }
`);
  expect(describeReport(report).join('\n')).toMatch(/^✓.*\n✓.*\n✓.*\n3 passed in \d+ ms$/);
});

test('what the code of a process throws in a case is told in its own words, which an engine withholds', async () => {
  const report = await run(`  - { name: one, message: icu.hl7, expect: { ward: 0 } }\n`, {
    'worker.ts': "export default () => {\n  throw new TypeError('no bed for DOE');\n};\n",
  });
  expect(describeReport(report).join('\n')).toMatch(
    /the code of worker threw TypeError at worker\.ts:2:\d+: no bed for DOE/,
  );
});

test('further messages of a case come one after another, and share the state of the first', async () => {
  const worker = `export default async (message, context) => {
  const count = await context.state('count').update((before = 0) => before + 1);
  await context.send('ward', { body: String(count), type: 'text/plain' });
};
`;
  const report = await run(
    `
  - name: three of them
    message: icu.hl7
    next: [{ message: icu.hl7 }, { message: icu.hl7 }]
    expect: { ward: [{}, { contains: '1' }, {}, { contains: '2' }, {}, { contains: '3' }] }
  - { name: the next case begins anew, message: icu.hl7, expect: { ward: [{}, { contains: '1' }] } }
`,
    { 'worker.ts': worker },
  );
  expect(describeReport(report).join('\n')).toMatch(/^✓.*\n✓.*\n2 passed in \d+ ms$/);
  const { problems } = await run(
    `  - { name: one, message: icu.hl7, next: [{ in: nowhere, text: x }, {}], expect: { ward: 1 } }\n`,
  );
  expect(problems.map(describeProblem).join('\n')).toMatch(
    /there is no service nowhere[^]*needs a message/,
  );
});

const receiving = (receives: string): string => `
  - name: two of them
    message: icu.hl7
    receives: ${receives}
    expect: { ward: [{}, { contains: ADT_A01:2.5.1 A1 }, { contains: A1 }], lab: 1 }
`;

test('what a process receives is given by the case, then its time is over', async () => {
  const worker = `export default async (message, context) => {
  for (;;) {
    const next = await context.receive({ key: '123', timeout: 1000 });
    if (next === undefined) break;
    await context.send('ward', { body: next.type + ' ' + next.document().get('MSH-10'), type: 'text/plain' });
  }
  await context.send('lab', { body: 'over', type: 'text/plain' });
};
`;
  const two = '[{ message: adt.hl7 }, { message: icu.hl7 }]';
  const report = await run(receiving(two), { 'worker.ts': worker });
  expect(describeReport(report).join('\n')).toMatch(/^✓.*\n1 passed in \d+ ms$/);
  const unread = worker.replace('for (;;)', 'if (true)').replace('break', 'return');
  const left = await run(receiving('[{ message: adt.hl7 }, { text: x, type: text/plain }]'), {
    'worker.ts': unread,
  });
  expect(left.cases[0]?.failures).toContainEqual({
    at: 'receives',
    expected: '1 more',
    actual: 'none',
  });
});

const waiting = (options: string): string =>
  `export default async (message, context) => {
  await context.receive({ timeout: 1000, ${options} });
  await context.send('ward', 'done');
};
`;

test('a message that an engine would not give to the code that waits fails the case', async () => {
  const reasonOf = async (options: string, production = FILES['production.yaml']) => {
    const files = { 'worker.ts': waiting(options), 'production.yaml': production };
    const { cases, problems } = await run(
      `  - { name: one, message: icu.hl7, receives: [{ message: adt.hl7 }], expect: { ward: 2 }, others: any }\n`,
      files,
    );
    expect(problems.map(describeProblem)).toEqual([]);
    return cases[0]?.failures.map(({ actual }) => actual).join();
  };
  expect(await reasonOf(`key: '456'`)).toMatch(/has the key "123", and "456" is waited for/);
  expect(await reasonOf(`key: '123', when: 'event == "A08"'`)).toMatch(/does not fit event ==/);
  expect(await reasonOf(`key: '123', when: 'event == "A01"'`)).toBe('');
  const without = FILES['production.yaml'].replace(/\n.*receives:.*/, '');
  expect(await reasonOf(`key: '123'`, without)).toMatch(/its receives names no key/);
});

test('an answer that nobody asks for and a reply that differs are failures', async () => {
  expect(
    await failuresOf(`
  - { name: one, message: adt.hl7, calls: { lab: {} }, expect: { ward: 1 } }
  - { name: two, message: icu.hl7, calls: { lab: {} }, reply: { code: AE, type: x/y }, others: any }
  - { name: three, message: adt.hl7, reply: { code: AA }, others: any }
`),
  ).toEqual([
    { at: 'calls of lab', expected: '1 more', actual: 'none' },
    { at: 'reply, code', expected: 'AE', actual: 'AA' },
    { at: 'reply, type', expected: 'x/y', actual: 'text/plain' },
    { at: 'reply', expected: 'a reply', actual: 'none' },
  ]);
});

test('entries of lookups can be replaced, for that case only', async () => {
  const report = await run(`
  - { name: one, message: adt.hl7, lookups: { wards: { W1: SOUTH } }, expect: { ward: { fields: { PV1-3: SOUTH } } } }
  - { name: two, message: adt.hl7, expect: { ward: { fields: { PV1-3: NORTH } } } }
`);
  expect(report.passed).toBe(2);
});

test('cases that cannot be run are problems with their place', async () => {
  const { problems, cases } = await run(`
  - { name: one, message: adt.hl7 }
  - { name: one, expect: { warf: 1 } }
  - { name: three, in: out, text: x, message: y, expect: { ward: -1 } }
  - { name: four, text: x, rules: { router: [inpatient] }, lookups: { ward: { a: b } }, suspended: [worke] }
  - { nam: five }
`);
  expect(cases).toEqual([]);
  expect(problems.map(describeProblem)).toEqual([
    'production.test.yaml:5:5 one: expects nothing. Write expect:, rules:, discarded:, suspended: or reply:.',
    'production.test.yaml:6:5 one: another case has the same name. Give each a name that says how they differ.',
    'production.test.yaml:6:5 one: needs a message. Write message: with a file, or text: with the message itself.',
    'production.test.yaml:6:5 one: there is no target warf. Did you mean ward?',
    'production.test.yaml:7:5 three: needs a message. Write message: with a file, or text: with the message itself.',
    'production.test.yaml:7:5 three: there is no service out. Known: in.',
    'production.test.yaml:7:66 cases[2].expect.ward: must be a whole number of at least 0.',
    'production.test.yaml:8:5 four: there is no process worke. Did you mean worker?',
    'production.test.yaml:8:5 four: there is no lookup ward. Did you mean wards?',
    'production.test.yaml:8:5 four: there is no rule in router: inpatient. Did you mean inpatients?',
    'production.test.yaml:9:5 cases[4].name: is missing. What must be true, as a sentence.',
    'production.test.yaml:9:5 case: needs a message. Write message: with a file, or text: with the message itself.',
    'production.test.yaml:9:5 case: expects nothing. Write expect:, rules:, discarded:, suspended: or reply:.',
    'production.test.yaml:9:7 cases[4].nam: no such key. Did you mean name?',
  ]);
});

test('a production with an error runs no case and reports it', async () => {
  const report = await run('  - { name: one, message: adt.hl7, expect: { ward: 1 } }\n', {
    'production.yaml': FILES['production.yaml'].replace('type ==', 'tpe =='),
  });
  expect(report.cases).toEqual([]);
  expect(report.problems.map(({ what }) => what)).toContain('there is no tpe');
});

test('a folder without tests says where they would be', async () => {
  await using folder = await productionFolder(FILES);
  const { problems } = await testProduction(folder.path, {
    adapters: [sampleIn, sampleOut],
    environment: { WARD: 'a:1' },
  });
  expect(problems.map(({ what }) => what)).toEqual(['there is no test file']);
});

test('only the cases that are asked for are run', async () => {
  await using folder = await productionFolder({
    ...FILES,
    'production.test.yaml': `environment: { WARD: ward:1 }
cases:
  - { name: an admission, message: adt.hl7, expect: { ward: 1 } }
  - { name: a text, message: text.txt, suspended: router }
`,
  });
  const options = { adapters: [sampleIn, sampleOut], environment: {} };
  const some = await testProduction(folder.path, { ...options, only: 'text' });
  expect(some.cases.map(({ name }) => name)).toEqual(['a text']);
  const none = await testProduction(folder.path, { ...options, only: 'nothing' });
  expect(none.problems.map(({ what }) => what)).toEqual([
    'there is no case with nothing in its name',
  ]);
});

const timeless = ({ cases }: TestReport) => cases.map((one) => ({ ...one, took: 0 }));

test('two runs give the same report but for the time they took', async () => {
  const cases =
    '  - { name: one, message: adt.hl7, expect: { ward: { fields: { MSH-10: B } } } }\n';
  const [one, two] = [await run(cases), await run(cases)];
  expect(timeless(one)).toEqual(timeless(two));
});
