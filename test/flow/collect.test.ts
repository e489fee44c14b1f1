import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Taken } from '../../src/broker/queue.ts';
import type { CollectGiven } from '../../src/definition/grammar/host-settings.ts';
import { endQueued } from '../../src/engine/end-queued.ts';
import { batchesOf, closeBatch } from '../../src/engine/kept-work.ts';
import { type Batches, type Coming, withoutPart, withPart } from '../../src/flow/batch.ts';
import { collector, durableParts } from '../../src/flow/collect.ts';
import { joinedParts } from '../../src/flow/joined-parts.ts';
import { type Subject, subject } from '../../src/flow/subject.ts';
import { Waits } from '../../src/flow/wiring.ts';
import { inlineBody } from '../../src/message/body.ts';
import type { NewMessage } from '../../src/message/message.ts';
import { expressionOf } from '../support/expression-of.ts';
import { type GivenProduction, given } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { traced } from '../support/traced.ts';

const DAY = 86_400_000;
const NOTHING: Batches = { closed: [] };

let nats: Awaited<ReturnType<typeof startNats>>;
let line: GivenProduction | undefined;

beforeAll(async () => {
  nats = await startNats();
});

/** The productions share a server, and so their streams: each test leaves nothing behind. */
afterEach(async () => {
  await line?.stop();
  line = undefined;
});

afterAll(() => nats[Symbol.asyncDispose]());

const DEFAULTS: CollectGiven = { count: 1_000, within: DAY, size: 1_000_000, as: 'lines' };

/** Collects what comes and sends it to `out`. */
async function collecting(collect: Partial<CollectGiven>, pool = 1): Promise<GivenProduction> {
  line = await given({
    nats,
    to: ['bundle'],
    processes: {
      bundle: {
        collect: { ...DEFAULTS, ...collect },
        to: ['out'],
        run: 'queued',
        order: pool === 1 ? 'fifo' : 'none',
        pool,
        whileWaiting: 'release',
      },
    },
    operations: { out: {} },
  });
  return line;
}

const waitingIn = async ({ engine }: GivenProduction): Promise<number> =>
  (await engine.broker.manager.streams.info(engine.broker.names.waiting.stream)).state.messages;

const outcomesOf = async (production: GivenProduction, ...ids: number[]) =>
  (await production.outcomes()).filter(
    ({ id, host }) => host === 'bundle' && (ids.length === 0 || ids.includes(id)),
  );

test('three messages become one, in their order; none is completed before it is stored', async () => {
  const production = await collecting({ count: 3 });
  const [a, b] = [await production.comes('a'), await production.comes('b')];
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(2));
  expect(await batchesOf(production.engine)).toMatchObject([
    { host: 'bundle', key: '', parts: 2, bytes: 2, closed: undefined },
  ]);
  expect(await outcomesOf(production)).toEqual([]);
  const c = await production.comes('c');
  await production.arrive(['a\nb\nc\n']);
  await vi.waitFor(async () => {
    expect(await outcomesOf(production)).toHaveLength(3);
    expect(await batchesOf(production.engine)).toEqual([]);
  });
  const ids = [a, b, c].map(({ messageId }) => messageId);
  const [first, second, third] = ids.map(async (id) => (await outcomesOf(production, id))[0]);
  expect(await first).toMatchObject({ status: 'completed', receivedBy: ids[2] });
  expect(await second).toMatchObject({ status: 'completed', receivedBy: ids[2] });
  expect(await third).toMatchObject({ status: 'completed', receivedIds: [ids[0], ids[1]] });
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
  // nor is it told any more that they wait
  await vi.waitFor(() => expect(production.director.waiting()?.size).toBe(0));
  // the message made is a part of the session of the last one
  const [made] = production.sent();
  expect(made).toMatchObject({ parentId: ids[2], name: `bundle-${ids[2]}`, source: 'bundle' });
  // and the next begins anew
  await production.come('d');
  await vi.waitFor(async () =>
    expect(await batchesOf(production.engine)).toMatchObject([{ parts: 1 }]),
  );
  await closeBatch(production.engine, { host: 'bundle', key: '', discard: true, by: 'anna' });
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
});

/** A process that collects so many lines for another host. */
const linesFor = (count: number, to: string) => ({
  collect: { ...DEFAULTS, count },
  to: [to],
  run: 'queued' as const,
  order: 'fifo' as const,
  pool: 1,
  whileWaiting: 'release' as const,
});

test('what one process has collected another collects: more than one entry of a key can list', async () => {
  expect.hasAssertions();
  line = await given({
    nats,
    to: ['few'],
    processes: { few: linesFor(2, 'bundle'), bundle: linesFor(3, 'out') },
    operations: { out: {} },
  });
  await line.come('a', 'b', 'c', 'd', 'e', 'f');
  await line.arrive(['a\nb\nc\nd\ne\nf\n']);
});

const of = (ward: string, n: number, last = 'no'): NewMessage => ({
  body: Buffer.from(JSON.stringify({ ward, n, last })),
  type: 'application/json',
});

test('each key has its own, and the last message ends it', async () => {
  const production = await collecting({
    key: expressionOf('field("/ward")'),
    end: expressionOf('field("/last") == "yes"', 'bool'),
    as: 'json',
  });
  for (const one of [of('A', 1), of('B', 1), of('A', 2)]) await production.comes(one);
  await production.comes(of('A', 3, 'yes'));
  await production.comes(of('B', 2, 'yes'));
  await vi.waitFor(() => expect(production.sent()).toHaveLength(2));
  expect(production.sent().map(({ type }) => type)).toEqual([
    'application/json',
    'application/json',
  ]);
  const texts = production
    .arrived()
    .map((text) => JSON.parse(text) as { ward: string; n: number }[]);
  expect(texts.map((items) => items.map(({ ward, n }) => `${ward}${n}`))).toEqual([
    ['A1', 'A2', 'A3'],
    ['B1', 'B2'],
  ]);
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
});

test('what is collected is sent when its time comes, also after a restart', async () => {
  const first = await collecting({ within: 3_000 });
  await first.come('a', 'b');
  await vi.waitFor(async () => expect(await waitingIn(first)).toBe(2));
  await first.stop();
  const production = await collecting({ within: 3_000 });
  await production.arrive(['a\nb\n']);
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
});

test('a person releases, discards, or takes one out', async () => {
  const production = await collecting({});
  const told = async (): Promise<number[]> =>
    (await batchesOf(production.engine)).map(({ parts }) => parts);
  const close = (discard: boolean) =>
    closeBatch(production.engine, { host: 'bundle', key: '', discard, by: 'anna' });
  const [a] = [
    await production.comes('a'),
    await production.comes('b'),
    await production.comes('c'),
  ];
  await vi.waitFor(async () => expect(await told()).toEqual([3]));
  // the first one, which would have made the message
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(3));
  await endQueued(production.engine, production.director, {
    message: { id: a.messageId, target: 'bundle' },
    status: 'discarded',
    by: 'anna',
    reason: 'not this one',
  });
  expect(await told()).toEqual([2]);
  expect(await close(false)).toEqual({ parts: 2 });
  await production.arrive(['b\nc\n']);
  await vi.waitFor(async () => expect(await told()).toEqual([]));
  const [d, e] = [await production.comes('d'), await production.comes('e')];
  await vi.waitFor(async () => expect(await told()).toEqual([2]));
  expect(await close(true)).toEqual({ parts: 2 });
  await vi.waitFor(async () => {
    const ended = await outcomesOf(production, d.messageId, e.messageId);
    expect(ended.map(({ status, by }) => [status, by])).toEqual([
      ['discarded', 'anna'],
      ['discarded', 'anna'],
    ]);
  });
  expect(production.sent()).toHaveLength(1);
  await expect(close(false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('many at once, in a pool: each is in one message, and the trace links them', async () => {
  const production = await collecting({ count: 10, within: 2_000 }, 8);
  await using trace = await traced(nats, { folder: nats.data, production: 'test' });
  const texts = Array.from({ length: 45 }, (_, n) => `${n}`);
  const receipts = await Promise.all(texts.map((text) => production.comes(text)));
  await vi.waitFor(() => expect(production.sent()).toHaveLength(5));
  const all = production.arrived().flatMap((text) => text.trim().split('\n'));
  expect(all.toSorted()).toEqual(texts.toSorted());
  await vi.waitFor(async () => expect(await batchesOf(production.engine)).toEqual([]));
  await vi.waitFor(async () => {
    const sessions = await Promise.all(
      receipts.map(({ sessionId }) => trace.store.session(sessionId)),
    );
    const legs = sessions.flatMap((session) =>
      (session?.messages ?? []).filter(({ target }) => target === 'bundle'),
    );
    expect(legs.filter(({ status }) => status === 'completed')).toHaveLength(45);
    expect(legs.filter(({ receivedBy }) => receivedBy !== undefined)).toHaveLength(40);
    expect(legs.flatMap(({ receivedIds }) => receivedIds ?? [])).toHaveLength(40);
  });
});

const hl7 = (id: string) => ({
  body: Buffer.from(`MSH|^~\\&|S|A|R|B|20260101||DFT^P03|${id}|P|2.5.1\rPID|1||${id}\r`),
  type: 'HL7v2:DFT_P03:2.5.1',
});

test('a message that cannot be part of an HL7 batch is suspended alone', async () => {
  const production = await collecting({ as: 'hl7', count: 2 });
  await production.comes(hl7('1'));
  const bad = await production.comes('no HL7');
  await production.comes(hl7('2'));
  await vi.waitFor(() => expect(production.sent()).toHaveLength(1));
  const [text = ''] = production.arrived();
  expect(text.split('\r')).toEqual([
    expect.stringMatching(/^FHS\|\^~\\&\|S\|A\|R\|B\|\d{14}\|\|\|\|bundle-\d+$/),
    expect.stringMatching(/^BHS\|\^~\\&\|S\|A\|R\|B\|\d{14}\|\|\|\|bundle-\d+$/),
    expect.stringMatching(/^MSH.*\|1\|P/),
    'PID|1||1',
    expect.stringMatching(/^MSH.*\|2\|P/),
    'PID|1||2',
    'BTS|2',
    'FTS|1',
    '',
  ]);
  const ended = await outcomesOf(production, bad.messageId);
  expect(ended).toMatchObject([{ status: 'suspended', error: { code: 'MESSAGE_INVALID' } }]);
});

const subjectOf = (id: number): Subject => {
  const [type, source, target] = ['text/plain', 'in', 'direct'];
  const times = { created: 0, received: 0, size: 1 };
  return subject(
    { id, sessionId: id, source, target, type, ...times },
    inlineBody(Buffer.from('x')),
  );
};

/** A collector of three, without a host, whose first two parts wait. */
async function direct(first: number) {
  const production = await collecting({});
  const { engine } = production;
  const parts = { ...DEFAULTS, count: 3, key: undefined, end: undefined, to: ['out'] };
  const store = durableParts('direct', engine);
  const process = collector({ ...parts, name: 'direct', store, now: () => Date.now() });
  const run = (id: number) =>
    process.runOrWait?.(subjectOf(id), {
      cut: new AbortController().signal,
      stopping: new AbortController().signal,
      inPlace: false,
      onWait: () => undefined,
    });
  for (const id of [first, first + 1]) {
    expect(await run(id)).toBeInstanceOf(Waits);
    const { message, body } = subjectOf(id);
    const taken = { message: { ...message, body }, bodyRef: undefined };
    await engine.waiting.enter(taken as Taken, 'direct', { until: Date.now() + DAY, answers: [] });
  }
  return { engine, run, ended: (id: number) => process.ended?.(id) };
}

test('an engine that dies while it makes a message goes on where it was', async () => {
  const { engine, run } = await direct(100);
  const made = await run(102);
  if (made === undefined || made instanceof Waits) throw new Error('it waits');
  expect(made).toMatchObject({ sends: [{ to: 'out' }], takes: { ids: [100, 101] } });
  // it died before the message was stored, and then before the parts were settled
  const again = await run(102);
  expect(again).toEqual({ ...made, takes: expect.anything() });
  if (again === undefined || again instanceof Waits) throw new Error('it waits');
  await again.takes?.begin();
  const left = await run(102);
  expect(left).toMatchObject({ status: 'completed', sends: [], takes: { ids: [100, 101] } });
  expect(await run(100)).toMatchObject({ status: 'completed', sends: [], receivedBy: 102 });
  await again.takes?.end();
  expect(await run(102)).toMatchObject({ status: 'completed', sends: [] });
  expect((await batchesOf(engine)).filter(({ host }) => host === 'direct')).toEqual([]);
});

test('a person ends the one that makes a message: it is not made twice, nor do the others wait', async () => {
  const { engine, run, ended } = await direct(200);
  const made = await run(202);
  if (made === undefined || made instanceof Waits) throw new Error('it waits');
  // the message is stored
  await made.takes?.begin();
  await ended(202);
  expect(await run(200)).toMatchObject({ status: 'completed', sends: [], receivedBy: 202 });
  expect(await run(201)).toMatchObject({ status: 'completed', sends: [], receivedBy: 202 });
  expect((await batchesOf(engine)).filter(({ host }) => host === 'direct')).toEqual([]);
});

const LIMITS = { count: 3, size: 1_000, within: 1_000 };
const coming = (id: number, more: Partial<Coming> = {}): Coming => ({
  id,
  size: 10,
  now: 0,
  isEnd: false,
  ...more,
});

test('a part that comes twice counts once, and one that comes late closes what is overdue', () => {
  const one = withPart(NOTHING, LIMITS, coming(1));
  expect(withPart(one, LIMITS, coming(1))).toBe(one);
  const two = withPart(one, LIMITS, coming(2));
  const three = withPart(two, LIMITS, coming(3));
  expect(three).toMatchObject({ closed: [{ closer: 3, why: 'count' }] });
  expect(three.open).toBeUndefined();
  expect(withPart(three, LIMITS, coming(1, { now: 60_000 }))).toBe(three);
  // whoever was to make it is gone
  expect(withPart(three, LIMITS, coming(1, { now: 21 * 60_000 })).closed[0]?.closer).toBe(1);
  expect(withPart(one, LIMITS, coming(1, { now: 1_000 })).closed[0]?.why).toBe('time');
  expect(withPart(one, LIMITS, coming(2, { size: 1_000 })).closed[0]?.why).toBe('size');
});

test('without its closer another part makes the message; without parts there is nothing left', () => {
  const closed = [1, 2, 3].reduce((entry, id) => withPart(entry, LIMITS, coming(id)), NOTHING);
  const rest = withoutPart(closed, 3);
  expect(rest.closed).toMatchObject([{ closer: 1, parts: [{ id: 1 }, { id: 2 }] }]);
  expect(withoutPart(withoutPart(rest, 1), 2)).toEqual({ open: undefined, closed: [] });
  expect(withoutPart(closed, 77)).toBe(closed);
});

const part = (body: string, type: string) => ({
  body: Buffer.from(body),
  type,
  charset: undefined,
});

test('parts that are not JSON are texts in a JSON array, and bytes stay as they are', () => {
  const parts = [
    part('{"a":1}\n', 'application/json'),
    part('x"y', 'text/plain'),
    part('{', 'application/json'),
  ];
  const json = joinedParts(parts, { ...joining, as: 'json' });
  expect(JSON.parse(Buffer.from(json.body).toString())).toEqual([{ a: 1 }, 'x"y', '{']);
  const bytes = joinedParts(parts, { ...joining, as: 'bytes' });
  expect(Buffer.from(bytes.body).toString()).toBe('{"a":1}\nx"y{');
});

const result = (id: string, charset: string, end = '\r'): string =>
  [
    'MSH|^~\\&|LAB|N|W|M|2026||ORU^R01|',
    id,
    '|P|2.5.1||||||',
    charset,
    end,
    'PID|1||7||Müller',
    end,
  ].join('');
const joining = { name: 'n', at: 0 };

test('an HL7 batch has one charset and segments that end with CR, whatever its parts have', () => {
  const latin = {
    body: Buffer.from(result('1', '8859/1'), 'latin1'),
    type: 'HL7v2',
    charset: undefined,
  };
  const ofService = {
    body: Buffer.from(result('2', ''), 'latin1'),
    type: 'HL7v2',
    charset: 'iso-8859-1',
  };
  const utf8 = part(result('3', 'UNICODE UTF-8', '\n'), 'HL7v2');
  const same = joinedParts([latin, ofService], { ...joining, as: 'hl7' });
  expect(same.charset).toBe('iso-8859-1');
  expect(Buffer.from(same.body).toString('latin1')).toContain(result('2', ''));
  const mixed = joinedParts([latin, ofService, utf8], { ...joining, as: 'hl7' });
  expect(mixed.charset).toBe('utf-8');
  const text = Buffer.from(mixed.body).toString();
  for (const id of ['1', '2', '3']) expect(text).toContain(result(id, 'UNICODE UTF-8'));
  expect(text).toContain('\rBTS|3\r');
});

test('texts of different charsets are read each in its own', () => {
  const latin = {
    body: Buffer.from('Müller', 'latin1'),
    type: 'text/plain',
    charset: 'iso-8859-1',
  };
  const json = joinedParts([latin, part('Jörg', 'text/plain')], { ...joining, as: 'json' });
  expect(JSON.parse(Buffer.from(json.body).toString())).toEqual(['Müller', 'Jörg']);
  const lines = joinedParts([latin, part('Jörg', 'text/plain')], { ...joining, as: 'lines' });
  expect(lines).toMatchObject({ charset: 'utf-8', body: Buffer.from('Müller\nJörg\n') });
});

test('two engines collect together, and each message is in one', async () => {
  const first = await collecting({ count: 5, within: 1_500 }, 4);
  const second = await collecting({ count: 5, within: 1_500 }, 4);
  const texts = Array.from({ length: 32 }, (_, n) => `two${n}`);
  const engines = [first, second];
  await Promise.all(texts.map((text, n) => (n % 2 === 0 ? first : second).comes(text)));
  const collected = (): string[] =>
    engines.flatMap((one) => one.arrived()).flatMap((text) => text.trim().split('\n'));
  await vi.waitFor(() => expect(collected().toSorted()).toEqual(texts.toSorted()));
  await vi.waitFor(async () => expect(await batchesOf(first.engine)).toEqual([]));
  await first.stop();
});
