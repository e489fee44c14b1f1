import { expect, test } from 'vitest';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { portProblems } from '../../src/definition/check/ports.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { fixedClock } from '../../src/time/clock.ts';
import { definitionOf, problemsOf } from '../support/production.ts';

const production = (rest: string): string => `production: p
services:
  in: { adapter: sample-in, to: [a] }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
${rest}`;

test('inline processes that send in a ring are reported with the ring', async () => {
  const problems = await problemsOf(
    production(`processes:
  a: { rules: [{ send: b }] }
  b: { rules: [{ when: has("PID"), send: out }, { otherwise: [c] }] }
  c: { rules: [{ send: a }] }
`),
  );
  expect(problems).toEqual([
    'production.yaml:7:3 processes.a: inline processes send to each other in a circle: a → b → c → a. Break the circle; if messages leave it by a rule, make one of them run: queued.',
  ]);
});

test('what only a router checks is refused where there are no rules, and so is a profile that is not there', async () => {
  const problems = await problemsOf(
    production(`processes:
  a: { collect: { count: 2 }, to: b, validate: full }
  b: { profile: ward, invalid: out, rules: [{ send: out }] }
`),
  );
  expect(problems).toEqual([
    'production.yaml:7:48 processes.a.validate: only a router, which has rules, checks messages, so validate has no effect. Remove it, and put a router with it in front.',
    'production.yaml:8:17 processes.b.profile: there is no profile ward. Add it: profiles: { ward: profiles/ward.yaml }.',
  ]);
});

test('a queued process in the ring ends it, since its queue stores the message', async () => {
  const problems = await problemsOf(
    production(`processes:
  a: { rules: [{ when: has("PID"), send: b }, { otherwise: [out] }] }
  b: { run: queued, rules: [{ send: a }] }
`),
  );
  expect(problems).toEqual([]);
});

test('hosts that no message comes to and names that nothing uses are warnings', async () => {
  const problems = await problemsOf(
    `production: p
services:
  in: { adapter: sample-in, to: [a] }
processes:
  a: { rules: [{ send: out, when: 'lookup("used", "x") == ""' }] }
  alone: { rules: [{ send: out }] }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
  idle: { adapter: sample-out, settings: { connect: b:1 } }
  alarm: { adapter: sample-out, settings: { connect: c:1 } }
credentials: { key: { kind: basic, user: a, password: b } }
transforms: { t: t.yaml }
lookups: { used: used.csv, unused: unused.csv }
alerts: { to: alarm }
`,
    {
      files: {
        't.yaml': 'steps: [{ set: MSH-3, value: X }]\n',
        'used.csv': 'key,value\na,b\n',
        'unused.csv': 'key,value\na,b\n',
      },
    },
  );
  expect(problems).toEqual([
    'production.yaml:6:3 warning: processes.alone: no message can get here. Send to it from a service or a rule.',
    'production.yaml:9:3 warning: operations.idle: no message can get here. Send to it from a service or a rule.',
    'production.yaml:11:16 warning: credentials.key: nothing uses it. Remove it, or use its name.',
    'production.yaml:12:15 warning: transforms.t: nothing uses it. Remove it, or use its name.',
    'production.yaml:13:28 warning: lookups.unused: nothing uses it. Remove it, or use its name.',
  ]);
});

test('where code may send anywhere, no host is called unreachable', async () => {
  const free = production(`  idle: { adapter: sample-out, settings: { connect: b:1 } }
processes:
  a: { code: a.ts }
`);
  const files = { 'a.ts': 'export default async () => undefined;\n' };
  expect(await problemsOf(free, { files })).toEqual([]);
  expect(await problemsOf(free.replace('code: a.ts', 'code: a.ts, to: [out]'), { files })).toEqual([
    'production.yaml:6:3 warning: operations.idle: no message can get here. Send to it from a service or a rule.',
  ]);
});

test('the target of an adapter’s setting counts as used', async () => {
  const problems = await problemsOf(`production: p
services:
  in: { adapter: sample-in, settings: { errors: lost }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
  lost: { adapter: sample-out, settings: { connect: b:1 } }
`);
  expect(problems).toEqual([]);
});

test.for([
  ['the same address', '0.0.0.0:2575', '0.0.0.0:2575', true],
  ['every address and one of them', '127.0.0.1:2575', '0.0.0.0:2575', true],
  ['different addresses', '127.0.0.1:2575', '127.0.0.2:2575', false],
  ['different ports', '127.0.0.1:2575', '127.0.0.1:2576', false],
  ['free ports', '127.0.0.1:0', '127.0.0.1:0', false],
] as const)('two services that listen on %s', async ([, one, two, clash]) => {
  const problems = await problemsOf(`production: p
services:
  a: { adapter: sample-in, settings: { listen: "${one}" }, to: out }
  b: { adapter: sample-in, settings: { listen: "${two}" }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
`);
  expect(problems).toEqual(
    clash
      ? [
          'production.yaml:4:40 services.b.settings.listen: a (production.yaml:3) already listens on port 2575. Give one of them another port.',
        ]
      : [],
  );
});

const listening = (name: string): string => `production: ${name}
services: { in: { adapter: sample-in, settings: { listen: 0.0.0.0:2575 }, to: out } }
operations: { out: { adapter: sample-out, settings: { connect: a:1 } } }
`;

test('a port that two productions share is reported with the other production', async () => {
  const definitions = [await definitionOf(listening('one')), await definitionOf(listening('two'))];
  expect((await portProblems(definitions)).map(describeProblem)).toEqual([
    'production.yaml:2:51 services.in.settings.listen: in of the production one (production.yaml:2) already listens on port 2575. Give one of them another port.',
  ]);
});

test('a credential must exist and be of a kind that the setting takes', async () => {
  const problems = await problemsOf(`production: p
credentials: { account: { kind: basic, user: a, password: b } }
services:
  in: { adapter: sample-in, settings: { tls: { certificate: account } }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1, credential: acount } }
`);
  expect(problems).toEqual([
    'production.yaml:4:61 services.in.settings.tls.certificate: the credential account is of the kind basic. It must be certificate.',
    'production.yaml:6:69 operations.out.settings.credential: there is no credential acount. Did you mean account?',
  ]);
});

test('a certificate that has expired or will soon is a warning', async () => {
  const { certificate, key } = certificateAuthority('Test').issue({ commonName: 'hub' });
  const text = `production: p
credentials: { hub: { kind: certificate, certificate: hub.crt, key: "\${file:hub.key}" } }
services:
  in: { adapter: sample-in, settings: { tls: { certificate: hub } }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
`;
  const files = { 'hub.crt': certificate, 'hub.key': key };
  const year = 365 * 86_400_000;
  expect(await problemsOf(text, { files })).toEqual([]);
  const later = await problemsOf(text, { files, clock: fixedClock(Date.now() + 50 * year) });
  expect(later).toEqual([
    expect.stringMatching(
      /^production\.yaml:2:42 warning: credentials\.hub\.certificate: the certificate of .*hub.* expired on \d{4}-\d\d-\d\d\. Renew it\.$/,
    ),
  ]);
  expect(await problemsOf(text, { files: { ...files, 'hub.crt': 'nothing' } })).toEqual([
    'production.yaml:2:42 credentials.hub.certificate: there is no certificate in it. It must be PEM: -----BEGIN CERTIFICATE-----.',
  ]);
});

test('no problem shows a secret, wherever it came from', async () => {
  const problems = await problemsOf(
    `production: p
credentials:
  a: { kind: "\${secret:a}", user: "\${env:B}", password: x }
  b: { kind: basic, user: [1], password: "\${file:key}" }
services:
  in: { adapter: sample-in, to: "\${secret:a}" }
operations:
  out: { adapter: sample-out, settings: { connect: "\${file:key}" } }
`,
    {
      secrets: () => 'hush-hush-a',
      environment: { B: 'hush-hush-b' },
      files: { key: 'hush-hush-c' },
    },
  );
  expect(problems.join('\n')).not.toMatch(/hush/);
  expect(problems.length).toBeGreaterThan(3);
});

test('what is wrong in a transform is reported in its own file, at its own column', async () => {
  const problems = await problemsOf(
    `production: p
services:
  in: { adapter: sample-in, to: a }
processes:
  a: { rules: [{ send: { to: out, transform: [one, two] } }] }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
transforms: { one: one.yaml, two: two.yaml, three: gone.yaml, four: four.ts }
`,
    {
      files: {
        'one.yaml': `type: ADT_A01:2.3
steps:
  - { set: /order/id, value: x }
  - set: MSH-3
    to: 'feild("MSH-3")'
`,
        'two.yaml': 'steps:\n  - { call: tow }\n',
        'four.ts': 'export default 4;\n',
      },
    },
  );
  expect(problems).toEqual([
    expect.stringMatching(/^one\.yaml:3:12 steps\[0\]\.set: .*\/order\/id/),
    expect.stringMatching(/^one\.yaml:5:10 steps\[1\]\.to: .*feild.*field/),
    expect.stringMatching(/^production\.yaml:8:52 transforms\.three: the file cannot be read\./),
    'production.yaml:8:69 transforms.four: the module has no function as its default export. Write: export default defineTransform(({ document }) => …).',
    'two.yaml:2:13 steps[0].call: there is no transform tow. Did you mean two?',
  ]);
});

test('what is wrong in a lookup is reported at its line', async () => {
  const problems = await problemsOf(
    `${production('')}
lookups: { wards: wards.csv, gone: gone.csv }
`.replace('to: [a]', 'to: out'),
    { files: { 'wards.csv': 'key,value\nW1,a\nW1,b\n' } },
  );
  expect(problems).toEqual([
    'production.yaml:7:36 lookups.gone: the file does not exist.',
    'wards.csv:3:1 lookups.wards: the key W1 is already in line 2. Remove one of them.',
  ]);
});

test('a process in code must be there and have a function', async () => {
  const text = production('processes: { a: { code: a.ts, to: out } }\n');
  expect(await problemsOf(text)).toEqual([
    expect.stringMatching(/^production\.yaml:6:25 processes\.a\.code: there is no such file\./),
  ]);
  expect(await problemsOf(text, { files: { 'a.ts': 'export default 1;\n' } })).toEqual([
    'production.yaml:6:25 processes.a.code: the module has no function as its default export. Write: export default defineProcess(async (message, context) => { … }).',
  ]);
});

test('no two hosts have the same name, not even in capitals', async () => {
  const problems = await problemsOf(`production: p
services:
  a: { adapter: sample-in, to: b }
  c: { adapter: sample-in, to: b }
processes:
  C: { rules: [{ send: b }] }
operations:
  a: { adapter: sample-out, settings: { connect: a:1 } }
  b: { adapter: sample-out, settings: { connect: b:1 } }
`);
  expect(problems).toEqual([
    'production.yaml:6:3 processes.C: there is already a host of this name: services.c. Give one of them another name.',
    'production.yaml:8:3 operations.a: there is already a host of this name: services.a. Give one of them another name.',
  ]);
});

test('an action of retry where nothing is tried again is a warning', async () => {
  const problems = await problemsOf(`production: p
services: { in: { adapter: sample-in, to: out } }
operations:
  out:
    adapter: sample-out
    settings: { connect: a:1 }
    retry: { for: 0s }
    replies: { AR: [retry, suspend], AE: fail }
`);
  expect(problems).toEqual([
    'production.yaml:8:16 warning: operations.out.replies.AR: nothing is retried, since retry says for: 0s. Raise for, or write another action.',
  ]);
});

test('files of trusted authorities are looked at too, each once', async () => {
  const { certificate, key } = certificateAuthority('Test').issue({ commonName: 'hub' });
  const text = `production: p
credentials: { hub: { kind: certificate, certificate: hub.crt, key: hub.key } }
services:
  a: { adapter: sample-in, settings: { tls: { certificate: hub, trust: gone.crt } }, to: out }
  b: { adapter: sample-in, settings: { tls: { certificate: hub, trust: gone.crt } }, to: out }
  c: { adapter: sample-in, settings: { tls: { certificate: hub, trust: bad.crt } }, to: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
`;
  const bad = certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  const files = { 'hub.crt': certificate, 'hub.key': key, 'bad.crt': bad };
  expect(await problemsOf(text, { files })).toEqual([
    'production.yaml:4:65 warning: services.a.settings.tls.trust: the file cannot be read. It is read when a host connects: put it there before you start.',
    'production.yaml:6:65 services.c.settings.tls.trust: it is damaged. It must be PEM: -----BEGIN CERTIFICATE-----.',
  ]);
});

const answering = (to: string, key = 'answersTo'): string => `production: p
services:
  in: { adapter: sample-in, to: [ask] }
operations:
  ask: { adapter: sample-out, settings: { connect: a:1 }, ${key}: ${to} }
  keep: { adapter: sample-out, settings: { connect: a:1 } }
`;

test.each(['answersTo', 'refusalsTo'])(
  '%s: answers go to hosts that exist, never to the operation itself, and a host that gets only them is used',
  async (key) => {
    expect(await problemsOf(answering('keep', key))).toEqual([]);
    expect(await problemsOf(answering('[keep, ask]', key))).toEqual([
      `production.yaml:5:3 operations.ask.${key}: ask would send each answer again, and the answer to that. Name another target.`,
    ]);
    expect((await problemsOf(answering('kep', key)))[0]).toMatch(new RegExp(`${key}.*kep.*keep`));
  },
);
