import { expect, test } from 'vitest';
import { problemsOf } from '../../support/production.ts';

const transforming = (rules: string, transforms: string): string => `production: p
services:
  in: { adapter: sample-in, to: [router] }
processes:
  router:
    rules:
${rules
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
transforms: { ${transforms} }
`;

const TRANSFORMS = {
  'names.yaml': `steps: [{ set: PID-5.1, to: 'upper(field("PID-5.1"))' }]\n`,
  'results.yaml': 'steps: [{ each: OBX, steps: [{ set: OBX-6, value: g }] }]\n',
  'to-json.yaml': `start: empty\ntype: application/json\nsteps: [{ set: /mrn, to: 'field("PID-3.1")' }]\n`,
  'copy-to-json.yaml': 'type: application/json\nsteps: [{ set: /a, value: b }]\n',
  'orders.yaml': 'split: OBR\n',
  'numbered.yaml': `split: OBR\nsteps: [{ set: MSH-10, to: string(part) }]\n`,
  'code.ts': 'export default ({ document }) => document;\n',
};

test.for([
  {
    rules: `- { when: 'type == "application/json"', send: [{ to: out, transform: names }] }`,
    problem:
      'production.yaml:7:9 processes.router.rules[0]: the transform names is made for HL7 (it uses PID-5.1), but only application/json gets to it. Use one that is made for that, or correct the condition.',
  },
  {
    rules: `- { when: 'type in ["ADT_A01", "ADT_A04"] && source == "in"', send: [{ to: out, transform: copy-to-json }] }`,
    problem:
      'production.yaml:7:9 processes.router.rules[0]: the transform copy-to-json copies the message, which is ADT_A01, ADT_A04, and a copy cannot become application/json. Write start: empty in it, or send something else through it.',
  },
  {
    rules: `- { name: a, when: 'event == "A01"', send: [] }\n- { otherwise: send, send: [{ to: out, transform: [to-json, names] }] }`,
    problem:
      'production.yaml:8:9 processes.router.rules[1]: the transform names is made for HL7 (it uses PID-5.1), but only application/json gets to it. Use one that is made for that, or correct the condition.',
  },
  {
    rules: `- { when: 'type == "SIU_S12"', send: [{ to: out, transform: names, when: 'type == "ADT_A01"' }, { to: out, transform: results }] }`,
    problem: undefined,
  },
  {
    rules: `- { when: 'type == "ADT_A28" || type == "BAR_P06"', send: [{ to: out, transform: results, when: 'type == "BAR_P06"' }] }`,
    problem:
      'production.yaml:7:9 warning: processes.router.rules[0]: the transform results uses OBX, which no BAR_P06 has. Check that the condition lets through the messages it is made for.',
  },
  {
    rules: `- { when: 'type == "ADT_A01"', send: [{ to: out, transform: names }, { to: out, transform: results }, { to: out, transform: [code, names] }] }\n- { when: 'type.startsWith("application/")', send: [{ to: out, transform: [code, names] }] }`,
    problem: undefined,
  },
  {
    rules: `- { when: 'type == "ORU_R01"', send: [{ to: out, transform: orders }, { to: out, transform: numbered }] }`,
    problem: `production.yaml:7:9 warning: processes.router.rules[0]: all messages that the transform orders makes from one have the same MSH-10, and receivers may take them for repetitions. Add the step { set: MSH-10, to: 'field("MSH-10") + "-" + string(part)' }.`,
  },
  {
    rules: `- { when: 'type == "text/csv"', send: [{ to: out, transform: numbered }] }`,
    problem:
      'production.yaml:7:9 processes.router.rules[0]: the transform numbered is made for HL7 (it uses OBR), but only text/csv gets to it. Use one that is made for that, or correct the condition.',
  },
])('a transform and what the rule lets through: $rules', async ({ rules, problem }) => {
  const names = Object.keys(TRANSFORMS).map((file) => `${file.replace(/\..*/, '')}: ${file}`);
  const problems = await problemsOf(transforming(rules, names.join(', ')), { files: TRANSFORMS });
  const about = problems.filter((text) => !text.includes('nothing uses it'));
  expect(about).toEqual(problem === undefined ? [] : [problem]);
});

test('a transform that splits is not called by another', async () => {
  const problems = await problemsOf(
    transforming(
      '- { name: a, send: [{ to: out, transform: outer }] }',
      'outer: outer.yaml, orders: orders.yaml',
    ),
    { files: { ...TRANSFORMS, 'outer.yaml': 'steps: [{ call: orders }]\n' } },
  );
  expect(problems[0]).toContain(
    'transforms.outer: orders splits the message and cannot be called. Name both in the rule: transform: [outer, orders].',
  );
});
