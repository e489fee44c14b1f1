import { expect, test } from 'vitest';
import { EngineError } from '../../src/error/engine-error.ts';
import { directAnswer, route } from '../../src/flow/route.ts';
import { router } from '../../src/flow/router.ts';
import { subject } from '../../src/flow/subject.ts';
import type { WiredTarget } from '../../src/flow/wiring.ts';
import { inlineBody } from '../../src/message/body.ts';
import { systemClock } from '../../src/time/clock.ts';
import { SplitTransform } from '../../src/transform/split-transform.ts';
import { noKeys } from '../support/no-keys.ts';
import { envelope } from '../support/subject-message.ts';
import { transformOf } from '../support/transform-reading.ts';

const one = transformOf({ split: { each: '/' } }, { name: 'each' });
const { split } = one.declaration;
if (split === undefined) throw new Error('it does not split');
const each = new SplitTransform(one, split);

const process = router({
  readsBody: true,
  decide: () => ({
    sends: [{ to: 'out', transforms: ['each'] }],
    otherwise: undefined,
    explanation: { rules: [], sent: [] },
  }),
  validate: undefined,
  invalid: 'suspend',
  transform: () => each,
  lookup: () => '',
  now: () => 0,
  jwt: noKeys,
  needsTokens: false,
});
const TARGETS: Readonly<Record<string, WiredTarget>> = {
  notices: { kind: 'inline', name: 'notices', process },
  out: { kind: 'queue', name: 'out', generation: 1, partition: undefined, readsBody: false },
};
const out = TARGETS['out'];
if (out === undefined) throw new Error('no target');

let last = 0;
const routing = {
  wiring: { hopLimit: 50, target: (name: string) => TARGETS[name] ?? out },
  ids: { next: () => ++last, last: 0 },
  clock: systemClock,
  store: () => Promise.resolve(undefined),
  drop: () => undefined,
};

/** The parts of the answer to one message, each with the key under which NATS stores it once. */
async function stored(list: readonly string[]): Promise<readonly (readonly [string, string])[]> {
  const body = Buffer.from(JSON.stringify(list));
  const type = 'application/json';
  const message = envelope({ type, size: body.byteLength });
  const legs = await route(routing, subject(message, inlineBody(body)), {
    to: [{ to: 'notices', output: { body, type } }],
    key: 'a1',
    byContent: true,
  });
  return legs.flatMap(({ message: { target }, body: made, key }) =>
    target === 'out' ? [[Buffer.from(made.inline ?? []).toString(), key] as const] : [],
  );
}

test('parts of an answer that is given again are known by their content, whoever came or left meanwhile', async () => {
  const first = await stored(['ann 1', 'bob 1', 'cid 1', 'cid 1']);
  const keys = new Set(first.map(([, key]) => key));
  expect(keys.size).toBe(4);
  const again = await stored(['new 1', 'bob 1', 'cid 1', 'cid 1', 'eve 1']);
  // NATS stores only what it has no such key of
  const more = again.filter(([, key]) => !keys.has(key)).map(([text]) => text);
  expect(more).toEqual(['"new 1"', '"eve 1"']);
  expect(new Map(again).size).toBe(4);
  expect(new Set(again.map(([, key]) => key)).size).toBe(5);
});

const refuses = (): never => {
  throw new EngineError('MESSAGE_INVALID', 'no such patient');
};

test('who waits for the answer to what was split hears which part failed', async () => {
  const fails: WiredTarget = {
    kind: 'inline',
    name: 'out',
    process: { readsBody: false, run: refuses },
  };
  const target = (name: string): WiredTarget => (name === 'out' ? fails : (TARGETS[name] ?? fails));
  const body = Buffer.from('["ann","bob"]');
  const message = envelope({ type: 'application/json', replyTo: 'waits' });
  const legs = await route(
    { ...routing, wiring: { hopLimit: 50, target } },
    subject(message, inlineBody(body)),
    { to: [{ to: 'notices' }], key: 'a1' },
  );
  expect(directAnswer(legs)?.outcome).toMatchObject({
    status: 'suspended',
    text: 'part 1 of 2: no such patient',
  });
});
