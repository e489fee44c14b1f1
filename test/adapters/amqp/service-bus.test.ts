import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import amqp1In from '../../../adapters/amqp/v1/amqp1-in.ts';
import amqp1Out from '../../../adapters/amqp/v1/amqp1-out.ts';
import { type Credential, RejectedError } from '../../../src/adapter/index.ts';
import { type FakeServiceBus, fakeServiceBus } from '../../support/fake-service-bus.ts';
import { openInbound, openOutbound, testSteps } from '../../support/open-adapter.ts';

const token: Credential = { kind: 'oauth2', token: async () => 'a.jwt.token' };
const credentials: Record<string, Credential> = {
  policy: { kind: 'basic', user: 'hub', password: 'a-secret-key' },
  token,
};
const options = { credentials };

let bus: FakeServiceBus;
beforeEach(async () => {
  bus = await fakeServiceBus();
});
afterEach(async () => {
  await bus[Symbol.asyncDispose]();
});

const to = (more: Record<string, unknown> = {}) => ({
  connect: `127.0.0.1:${bus.port}`,
  signIn: 'cbs',
  credential: 'policy',
  address: 'results',
  ...more,
});

const messages = (...bodies: string[]) =>
  bodies.map((body) => ({ message_id: body, body, content_type: 'text/plain' }));

test('shows a signature by the key of a policy before a link, and takes', async () => {
  bus.sessions.set('', messages('one', 'two'));
  await using opened = await openInbound(amqp1In, to(), options);
  await vi.waitFor(() => expect(bus.settled).toHaveLength(2));
  expect(opened.delivered.map(({ body }) => body.toString())).toEqual(['one', 'two']);
  expect(bus.settled.map(({ how }) => how)).toEqual(['accepted', 'accepted']);
  const [put] = bus.puts;
  expect(put).toMatchObject({
    type: 'servicebus.windows.net:sastoken',
    audience: 'sb://127.0.0.1/results',
  });
  const [, sr = '', sig = '', se = '', skn] =
    /^SharedAccessSignature sr=(\S+?)&sig=(\S+?)&se=(\d+)&skn=(\w+)$/.exec(put?.token ?? '') ?? [];
  expect([decodeURIComponent(sr), skn]).toEqual(['sb://127.0.0.1/results', 'hub']);
  const signed = createHmac('sha256', 'a-secret-key').update(`${sr}\n${se}`).digest('base64');
  expect(decodeURIComponent(sig)).toBe(signed);
  expect(opened.events[0]?.text).toMatch(/as hub, with claims, results$/);
});

test('shows a token of Entra as it is, and sends', async () => {
  await using out = await openOutbound(
    amqp1Out,
    to({ credential: 'token', session: 'S{id}' }),
    options,
  );
  expect(await out.send(Buffer.from('x'), { id: 7 })).toMatchObject({ code: 'OK' });
  expect(bus.puts).toEqual([
    { type: 'jwt', audience: 'sb://127.0.0.1/results', token: 'a.jwt.token' },
  ]);
  expect(bus.received).toMatchObject([{ group_id: 'S7', message_id: 'test.7' }]);
});

test.for([
  [401, 'ADAPTER_DISABLED'],
  [500, 'ADAPTER_NOT_CONNECTED'],
] as const)('a token that gets %i is told, and not shown', async ([status, code]) => {
  bus.status = status;
  const opening = openOutbound(amqp1Out, to(), options);
  await expect(opening).rejects.toMatchObject({
    code,
    message: expect.not.stringMatching(/a-secret-key|SharedAccess/),
  });
  const steps = await testSteps(amqp1In, to(), options);
  expect(steps.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
});

test('takes one session after another, each in order, and later ones too', async () => {
  bus.sessions.set('a', messages('a1', 'a2'));
  bus.sessions.set('b', messages('b1'));
  await using opened = await openInbound(
    amqp1In,
    to({ session: '*', sessionIdle: '50ms' }),
    options,
  );
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
  expect(bus.taken).toEqual(['a', 'b']);
  bus.sessions.set('c', messages('c1'));
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(4));
  expect(opened.delivered.map(({ body }) => body.toString())).toEqual(['a1', 'a2', 'b1', 'c1']);
  expect(opened.lost).toEqual([]);
});

test('takes one session of its own', async () => {
  bus.sessions.set('a', messages('a1'));
  bus.sessions.set('b', messages('b1'));
  await using opened = await openInbound(amqp1In, to({ session: 'b' }), options);
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
  expect(bus.taken).toEqual(['b']);
});

test('what is refused for good goes to the dead letters with its reason', async () => {
  await using opened = await openInbound(
    amqp1In,
    to({ session: '*', sessionIdle: '20ms' }),
    options,
  );
  opened.refuse(new RejectedError('No. Never.'));
  bus.sessions.set('a', messages('bad'));
  await vi.waitFor(() =>
    expect(bus.settled).toEqual([{ id: 'bad', how: 'rejected', reason: 'ADAPTER_REJECTED' }]),
  );
  expect(opened.events.at(-1)).toMatchObject({ name: 'message-refused', level: 'error' });
});

test('a message without an id is known by the number that the broker gave it', async () => {
  bus.sessions.set('', [{ body: { a: 1 }, message_annotations: { 'x-opt-sequence-number': 42 } }]);
  await using opened = await openInbound(amqp1In, to(), options);
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
  expect(opened.delivered[0]).toMatchObject({ dedupeKey: 'sequence 42', type: 'application/json' });
});

test.for([
  ['com.microsoft:session-lock-lost', /its lock ran out/],
  ['amqp:link:detach-forced', /ended the link to results \(amqp:link:detach-forced\)/],
] as const)('a link that is ended with %s is told, and made again', async ([condition, text]) => {
  const opened = await openInbound(amqp1In, to(), options);
  bus.detach(condition);
  await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
  expect(opened.lost[0]?.message).toMatch(text);
  await opened.close();
  bus.sessions.set('', messages('x'));
  await using again = await openInbound(amqp1In, to(), options);
  await vi.waitFor(() => expect(again.delivered).toHaveLength(1));
});

test('without claims there is no link', async () => {
  const opening = openOutbound(amqp1Out, to({ signIn: 'sasl', credential: undefined }), options);
  await expect(opening).rejects.toMatchObject({
    message: expect.stringContaining('does not let us use results (amqp:unauthorized-access)'),
  });
});
