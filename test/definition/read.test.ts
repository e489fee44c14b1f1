import { expect, test } from 'vitest';
import { definitionOf, problemsOf, productionFolder } from '../support/production.ts';

const SMALL = `
production: small
services:
  in: { adapter: sample-in, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: ward:2575 } }
`;

test('the smallest production reads with every default', async () => {
  const definition = await definitionOf(SMALL);
  expect(definition).toMatchObject({
    name: 'small',
    title: 'small',
    settings: {
      keep: 7 * 86_400_000,
      inlineLimit: 256 * 1024,
      duplicateWindow: 600_000,
      queueLimit: 10 * 1024 ** 3,
      hopLimit: 1_000,
      shutdownTimeout: 120_000,
    },
    alerts: undefined,
  });
  expect(definition.services.get('in')).toMatchObject({
    kind: 'service',
    to: ['out'],
    duplicates: 'once',
    enabled: true,
    settings: { limit: 5, fast: false, listen: undefined },
  });
  expect(definition.operations.get('out')).toMatchObject({
    pool: 1,
    order: 'fifo',
    timeout: 60_000,
    settings: { connect: { host: 'ward', port: 2575 } },
    given: { connect: 'ward:2575' },
    retry: { every: 5_000, for: Number.POSITIVE_INFINITY, backoff: 1, max: 300_000 },
  });
});

test('every key of a host is read', async () => {
  const definition = await definitionOf(`
production: all
settings: { keep: 2d, search: { mrn: PID-3.1, order: /order/id }, inlineLimit: 64KB, duplicateWindow: 1m, queueLimit: 1GB, shutdownTimeout: 5s }
alerts: { to: [out], every: 1h }
services:
  in:
    title: From the ward
    comment: tested on Mondays
    tags: [adt, ward]
    enabled: false
    schedule: mon-fri 06:00-20:00
    adapter: sample-in
    duplicates: all
    alert: { silent: 1h, quiet: "22:00-06:00" }
    to: [router, out]
processes:
  router:
    validate: structure
    invalid: out
    rules:
      - { when: 'type == "ADT_A01"', send: queued }
      - otherwise: suspend
  queued:
    run: queued
    pool: 4
    order: none
    retry: { every: 1s, for: 10s, backoff: 2.0, max: 4s }
    rules: [{ send: out }]
operations:
  out:
    adapter: sample-out
    settings: { connect: ward:2575 }
    order: { by-key: 'field("PID-3.1")', partitions: 4 }
    timeout: 10s
    replies: { AE: suspend, AR: [retry, stop], 4xx: fail, other: complete, wrong-control-id: warn }
    alert: { queue: 100, wait: 5m }
`);
  expect(definition.settings).toMatchObject({ keep: 172_800_000, queueLimit: 1024 ** 3 });
  expect([...definition.settings.search]).toEqual([
    ['mrn', 'PID-3.1'],
    ['order', '/order/id'],
  ]);
  expect(definition.alerts).toEqual({ to: ['out'], every: 3_600_000 });
  expect(definition.services.get('in')).toMatchObject({
    title: 'From the ward',
    comment: 'tested on Mondays',
    tags: ['adt', 'ward'],
    enabled: false,
    schedule: 'mon-fri 06:00-20:00',
    duplicates: 'all',
    alert: { silent: 3_600_000, quiet: '22:00-06:00' },
  });
  expect(definition.processes.get('router')).toMatchObject({
    run: 'inline',
    validate: 'structure',
    invalid: 'out',
    rules: [{ otherwise: 'suspend' }],
  });
  expect(definition.processes.get('queued')).toMatchObject({
    run: 'queued',
    pool: 4,
    order: 'none',
    retry: { every: 1_000, for: 10_000, backoff: 2, max: 4_000 },
  });
  expect(definition.operations.get('out')).toMatchObject({
    pool: 1,
    order: { partitions: 4, byKey: { source: 'field("PID-3.1")' } },
    timeout: 10_000,
    replies: { AE: 'suspend', AR: ['retry', 'stop'], '4xx': 'fail', other: 'complete' },
    alert: { queue: 100, wait: 300_000 },
  });
});

test('a key that is like no other is told with all that there are', async () => {
  const problems = await problemsOf('production: a\noperations: { out: { zzzzzzzz: 1 } }\n');
  expect(problems.join('\n')).toMatch(
    /operations\.out\.zzzzzzzz: no such key\. Known: .*adapter, .*schedule/,
  );
});

test('all problems are reported at once, each with file, line, column, path and remedy', async () => {
  const problems = await problemsOf(
    `production: a_b
titel: x
settings: { keep: 7 days, search: { name: PID-5.1.1.1.1 } }
credentials:
  a: { kind: basic, user: x }
  b: { kind: bsic }
services:
  in:
    adapter: sampel-in
    to: [ruter]
  in2:
    adapter: sample-in
    settings: { listen: 0.0.0.0, foo: 1, limit: 11, fast: maybe }
    to: []
  in3: { adapter: sample-out, to: router }
processes:
  router:
    rules:
      - name: a
        when: tpe == "ADT_A01"
        send: [outt]
      - when: >-
          type == "A01" &&
          field("PV1-2") = "I"
        send: out
    pool: 2
  both: { rules: [{ send: out }], code: processes/x.ts, retry: { disconnected: 1m } }
operations:
  out:
    adapter: sample-out
    settings: { connect: 1, credential: b, name: "{tpye}.hl7" }
    pool: 3
    order: fifo
    retry: { every: 5s, for: 1s, max: 2s }
    replies: { AE: suspnd, fo~o: fail }
  lab:
    adapter: sample-out
    settings: { connect: lab:1 }
    order: { by-key: 'field("PID-3.1.1.1")', partitions: 1 }
    schedule: mo-fr 06:00-20:00
    alert: { quiet: 25:00 }
`,
    { files: { 'processes/x.ts': 'export default () => {};' } },
  );
  expect(problems).toMatchInlineSnapshot(`
    [
      "production.yaml:1:13 production: the name may have up to 63 letters, digits and inner hyphens, such as a-b.",
      "production.yaml:2:1 titel: no such key. Did you mean title?",
      "production.yaml:3:19 settings.keep: must be a duration such as 250ms, 30s or 5m.",
      "production.yaml:3:43 settings.search.name: HL7 path "PID-5.1.1.1.1", position 10: subcomponents have no parts. Write it like PID-3[2].4.2 or OBX[3]-5.",
      "production.yaml:5:6 credentials.a.password: is required. The password of the user.",
      "production.yaml:6:14 credentials.b.kind: there is no kind "bsic". Did you mean basic?",
      "production.yaml:9:14 services.in.adapter: there is no adapter sampel-in. Did you mean sample-in?",
      "production.yaml:10:10 services.in.to[0]: there is no process or operation ruter. Did you mean router?",
      "production.yaml:13:25 services.in2.settings.listen: must be an address such as lab.example:2575 or 0.0.0.0:2575.",
      "production.yaml:13:39 services.in2.settings.foo: no such setting. Known: listen, limit, fast, tls, errors.",
      "production.yaml:13:49 services.in2.settings.limit: must be a whole number from 1 to 10.",
      "production.yaml:13:59 services.in2.settings.fast: must be true or false.",
      "production.yaml:14:9 services.in2.to: names no target. Name a process or an operation.",
      "production.yaml:15:19 services.in3.adapter: sample-out works the other way. A service takes messages in: the name of its adapter ends in -in.",
      "production.yaml:20:15 processes.router.rules[0].when: there is no tpe. Did you mean type? A text is written in quotes.",
      "production.yaml:21:16 processes.router.rules[0].send[0]: there is no process or operation outt. Did you mean out?",
      "production.yaml:24:26 processes.router.rules[1].when: it is not valid: Unexpected character: =. Values are compared with ==.",
      "production.yaml:26:11 processes.router.pool: an inline process has no queue, so pool has no effect. Remove it, or write run: queued.",
      "production.yaml:27:3 processes.both: cannot have both rules and code. A router has rules, a process in TypeScript code, and one that makes one message of several collect.",
      "production.yaml:27:80 processes.both.retry.disconnected: a process has no connection, so disconnected has no effect. Remove it; for says how long to try.",
      "production.yaml:31:26 operations.out.settings.connect: must be an address such as lab.example:2575 or 0.0.0.0:2575.",
      "production.yaml:31:52 operations.out.settings.name: there is no tpye. Did you mean type? A text is written in quotes.",
      "production.yaml:32:11 operations.out.pool: a pool of 3 cannot keep the order. Write order: none, or { by-key: field("PID-3.1") } for an order per patient.",
      "production.yaml:34:30 operations.out.retry: for ends before the first retry. Raise for, lower every, or write for: 0s to never try again.",
      "production.yaml:34:39 operations.out.retry: max is shorter than every. Raise max or lower every.",
      "production.yaml:35:20 operations.out.replies.AE: suspnd is not an action. Did you mean suspend?",
      "production.yaml:35:28 operations.out.replies."fo~o": fo~o is neither a code nor a known word. Known: accept, error, reject, wrong-control-id, wrong-type, no-code, client-fault, sign-in-over, none, failure, other.",
      "production.yaml:39:29 operations.lab.order.by-key: HL7 path "PID-3.1.1.1", position 10: subcomponents have no parts. Write it like PID-3[2].4.2 or OBX[3]-5.",
      "production.yaml:39:58 operations.lab.order.partitions: must be a whole number from 2 to 64.",
      "production.yaml:40:15 operations.lab.schedule: mo is not a day. Did you mean mon?",
      "production.yaml:41:21 operations.lab.alert.quiet: must be two times of day, such as 22:00-06:00.",
    ]
  `);
});

test('a problem that follows from another is not reported', async () => {
  const problems = await problemsOf(`
production: p
services:
  in: { adapter: sample-in, settings: { limit: "\${env:LIMIT}" }, to: out }
operations:
  out: { adapter: nothing-out, settings: { whatever: 1 } }
`);
  expect(problems).toEqual([
    'production.yaml:4:49 services.in.settings.limit: the environment variable LIMIT is not set. Set LIMIT, or give a default: ${env:LIMIT:-default}.',
    'production.yaml:6:19 operations.out.adapter: there is no adapter nothing-out. Known: sample-out.',
  ]);
});

test('numbers and flags may come from the environment, and a text may look like a number', async () => {
  const definition = await definitionOf(
    `
production: p
services:
  in: { adapter: sample-in, settings: { limit: "\${env:LIMIT}", fast: "\${env:FAST}" }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: ward:1, user: 007 } }
`,
    { environment: { LIMIT: '7', FAST: 'true' } },
  );
  expect(definition.services.get('in')?.settings).toMatchObject({ limit: 7, fast: true });
  expect(definition.operations.get('out')?.settings).toMatchObject({ user: '007' });
});

test('a folder without a production says what a production is', async () => {
  await using folder = await productionFolder({});
  const { problems } = await folder.read();
  expect(problems).toMatchObject([
    {
      file: 'production.yaml',
      what: 'the file production.yaml cannot be read (ENOENT)',
      remedy: expect.stringContaining('A production is a folder with a production.yaml'),
    },
  ]);
});

test('an adapter of the production’s own is loaded from its file, and anew when it changed', async () => {
  await using folder = await productionFolder({
    'production.yaml': SMALL.replace('sample-out', './adapters/pager-out.ts').replace(
      'connect: ward:2575',
      'number: "12"',
    ),
    'adapters/pager-out.ts': adapterText('number'),
  });
  const { definition, problems } = await folder.read();
  expect(problems).toEqual([]);
  expect(definition?.operations.get('out')?.settings).toEqual({ number: '12' });
  expect(definition?.files).toContain(`${folder.path}/adapters/pager-out.ts`);

  await folder.write({ 'adapters/pager-out.ts': adapterText('phone') });
  const later = await folder.read();
  expect(later.problems.map(({ what, remedy }) => [what, remedy])).toEqual([
    ['is required', 'Whom to call.'],
    ['no such setting', 'Known: phone.'],
  ]);
});

const adapterText = (name: string): string => `
const read = (given) => ({ ok: true, value: given });
export default {
  type: 'pager-out', title: 'Pager', summary: 'Calls.',
  settings: { ${name}: { kind: 'text', help: 'Whom to call.', read } },
  open: async () => ({ close: async () => {}, send: async () => undefined }),
};
`;

test.for([
  ['export const x = 1;', 'the default export of the module is not an adapter'],
  [
    'const a = 1;\nthrow new Error("broken");',
    'the module cannot be loaded: broken (pager-out.ts:2:7). Correct it there.',
  ],
  [
    'throw new Error("nothing listens on db:5432");',
    'the module cannot be loaded: nothing listens on db:5432 (pager-out.ts:1:7). Correct it there.',
  ],
  [
    'const a: number = 1;\nexport default { b: , };',
    'the module cannot be loaded: Expression expected (pager-out.ts:2). Correct it there.',
  ],
  ['export default {', 'the module cannot be loaded:'],
  [
    adapterText('number').replace('pager-out', 'pager-in'),
    'the module’s adapter has the type pager-in',
  ],
])('an adapter file that cannot be used is reported: %s', async ([text, what]) => {
  const problems = await problemsOf(SMALL.replace('sample-out', './adapters/pager-out.ts'), {
    files: { 'adapters/pager-out.ts': text ?? '' },
  });
  expect(problems[0]?.replace("module's", 'module’s')).toContain(what);
});

const collectingProduction = (process: string): string => `
production: p
services: { in: { adapter: sample-in, to: bundle } }
processes: { bundle: ${process} }
operations: { out: { adapter: sample-out, settings: { connect: ward:2575 } } }
`;

const receivingProblems = async (process: string) => {
  const text = collectingProduction(process);
  const files = { 'x.ts': 'export default () => {};' };
  return (await problemsOf(text, { files })).join('\n');
};

test('a process that receives has code, a queue, and does not hold its line', async () => {
  const key = `receives: { key: 'field("ORC-2")' }`;
  expect(await receivingProblems(`{ code: x.ts, ${key}, order: none, to: out }`)).toBe('');
  expect(await receivingProblems(`{ code: x.ts, ${key}, whileWaiting: release, to: out }`)).toBe(
    '',
  );
  expect(await receivingProblems(`{ code: x.ts, ${key}, to: out }`)).toMatch(
    /processes\.bundle\.receives: a line that waits never gets to the message that it waits for\. Write whileWaiting: release/,
  );
  expect(await receivingProblems(`{ code: x.ts, ${key}, run: inline, to: out }`)).toMatch(
    /an inline process cannot wait for a message/,
  );
  expect(await receivingProblems(`{ rules: [{ otherwise: out }], ${key} }`)).toMatch(
    /processes\.bundle\.receives: has no effect without code/,
  );
  expect(
    await receivingProblems(`{ code: x.ts, receives: { keep: forever }, order: none, to: out }`),
  ).toMatch(/receives\.key: [^]*receives\.keep: must end|receives\.keep: must end/);
});

test('what collects says where to, and ends', async () => {
  const definition = await definitionOf(
    collectingProduction(`{ collect: { key: 'field("PID-3.1")' }, to: out }`),
  );
  expect(definition.processes.get('bundle')).toMatchObject({
    run: 'queued',
    collect: { count: 1_000, size: 8 * 1024 ** 2, within: 86_400_000, as: 'json' },
  });
  const problems = async (process: string) =>
    (await problemsOf(collectingProduction(process))).join('\n');
  expect(await problems(`{ collect: { count: 5 } }`)).toMatch(/collects and sends nowhere/);
  expect(await problems(`{ collect: {}, run: inline, to: out }`)).toMatch(
    /processes\.bundle\.run: what is collected waits, and an inline process cannot wait/,
  );
  expect(await problems(`{ collect: { within: forever }, to: out }`)).toMatch(
    /processes\.bundle\.collect\.within: must end\. Write a time of up to a year/,
  );
  expect(await problems(`{ collect: { size: 1GB }, to: out }`)).toMatch(
    /processes\.bundle\.collect\.size: is too large\. Write a size of up to 32MB/,
  );
  expect(await problems(`{ collect: { end: 'field("PID-3")' }, to: out }`)).toMatch(
    /processes\.bundle\.collect\.end: /,
  );
  expect(await problems(`{ collect: {}, rules: [{ otherwise: out }], to: out }`)).toMatch(
    /cannot have both rules and collect/,
  );
  expect(await problems(`{ collect: {}, whileWaiting: hold, to: out }`)).toMatch(
    /whileWaiting has no effect/,
  );
  const weekly = `{ collect: {}, to: out, schedule: "daily 08:00-18:00", catchUp: 6h }`;
  expect(await problems(weekly)).toMatch(/processes\.bundle\.catchUp: only times of a schedule by/);
  expect(await problems(weekly.replace('daily 08:00-18:00', 'cron 30 2 * * * for 10m'))).toBe('');
});
