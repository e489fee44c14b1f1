import { expect, test } from 'vitest';
import { router } from '../../src/flow/router.ts';
import { subject } from '../../src/flow/subject.ts';
import { inlineBody } from '../../src/message/body.ts';
import { decide } from '../../src/rule/decide.ts';
import { readRuleSets } from '../../src/rule/read-rule-sets.ts';
import type { Transform } from '../../src/transform/transform.ts';
import { noKeys } from '../support/no-keys.ts';
import { ADMISSION, envelope, environment } from '../support/subject-message.ts';
import { transformOf } from '../support/transform-reading.ts';

const MARKER = 'SECRET-4711';

/** What a router with these rules and transforms does with an admission. */
async function routed(
  rules: unknown,
  transforms: Readonly<Record<string, Transform>> = {},
  rest: Partial<Parameters<typeof router>[0]> = {},
) {
  const sets = readRuleSets(rules, [], {
    environment,
    problem: (path, text) => {
      throw new Error(`${path.join('.')}: ${text}`);
    },
    unknown: () => undefined,
  });
  const process = router({
    readsBody: true,
    decide: (scope) => decide(sets, scope),
    validate: undefined,
    invalid: 'suspend',
    transform: (name) => transforms[name] ?? transformOf({ steps: [] }, { name }),
    lookup: () => '',
    now: () => 0,
    jwt: noKeys,
    needsTokens: false,
    ...rest,
  });
  const body = Buffer.from(ADMISSION.replace('DOE', MARKER));
  const message = envelope({ type: 'HL7v2:ADT_A01:2.5.1', size: body.byteLength });
  return await process.run(subject(message, inlineBody(body)), new AbortController().signal);
}

test('a rule that fails suspends the message, and the explanation says how far the rules got', async () => {
  const result = await routed([
    { name: 'results', when: 'event == "R01"', send: 'lab' },
    { name: 'broken', when: 'number(field("PID-5.1")) > 1', send: 'ward' },
  ]);
  expect(result).toMatchObject({
    status: 'suspended',
    sends: [],
    error: { code: 'EXPRESSION_FAILED', retryable: false },
    explain: { rules: [{ result: 'no' }, { rule: 'broken', result: 'error' }], sent: [] },
  });
  expect(JSON.stringify(result)).not.toContain(MARKER);
});

test('the trace says why a message that does not validate went to the target for those', async () => {
  const rules = [{ name: 'all', send: 'ward' }];
  const options = { validate: () => 'ZPI is missing.', invalid: 'refused' };
  expect(await routed(rules, {}, options)).toMatchObject({
    status: 'completed',
    sends: [{ to: 'refused' }],
    explain: { rules: [], sent: [{ to: 'refused' }], notes: ['ZPI is missing.'] },
  });
});

test('a transform that fails suspends the message, sends nothing, and what was chosen is explained', async () => {
  const result = await routed(
    [{ name: 'all', send: ['ward', { to: 'lab', transform: 'broken' }] }],
    { broken: transformOf({ steps: [{ set: 'PID-9', to: 'string(age(field("PID-5.1")))' }] }) },
  );
  expect(result).toMatchObject({
    status: 'suspended',
    sends: [],
    error: { code: 'TRANSFORM_FAILED', retryable: false },
    explain: {
      rules: [{ rule: 'all', result: 'fired' }],
      sent: [{ to: 'ward' }, { to: 'lab', transform: 'broken' }],
    },
  });
  expect(JSON.stringify(result)).not.toContain(MARKER);
});

test('a transform that several targets share is applied once', async () => {
  let applied = 0;
  const counting: Transform = {
    name: 'counting',
    apply: ({ document }) => {
      applied++;
      return [{ body: document.bytes(), type: 'text/plain' }];
    },
  };
  const result = await routed([{ send: { to: ['a', 'b', 'c'], transform: 'counting' } }], {
    counting,
  });
  expect(applied).toBe(1);
  expect(result.sends.map(({ to }) => to)).toEqual(['a', 'b', 'c']);
  expect(new Set(result.sends.map(({ output }) => output)).size).toBe(1);
});

test('what transforms note stands in the explanation, each once', async () => {
  const noting: Transform = {
    name: 'noting',
    apply: ({ document, message: { type } }) =>
      [1, 2].map(() => ({ body: document.bytes(), type, notes: ['PV1-18 is not mapped'] })),
  };
  const result = await routed([{ name: 'all', send: { to: ['a', 'b'], transform: 'noting' } }], {
    noting,
  });
  expect(result.sends).toHaveLength(4);
  expect(result.explain).toMatchObject({
    notes: ['PV1-18 is not mapped'],
    sent: [{ to: 'a' }, {}],
  });
});
