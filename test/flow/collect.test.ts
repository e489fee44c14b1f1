import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Taken } from '../../src/broker/queue.ts';
import type { CollectGiven } from '../../src/definition/grammar/host-settings.ts';
import { endQueued } from '../../src/engine/end-queued.ts';
import { batchesOf, closeBatch } from '../../src/engine/kept-work.ts';
import { closeLeft, sweepLeft } from '../../src/engine/left-batches.ts';
import { type Batches, holderOf, withoutParts, withPart } from '../../src/flow/batch.ts';
import { partsOf } from '../../src/flow/batch-pieces.ts';
import {
  type CollectOptions,
  collector,
  durableParts,
  wakeAtOnce,
} from '../../src/flow/collect.ts';
import { batchPlace, changeBatches, sweepPieces } from '../../src/flow/stored-batches.ts';
import { type Subject, subject } from '../../src/flow/subject.ts';
import { Waits } from '../../src/flow/wiring.ts';
import { inlineBody } from '../../src/message/body.ts';
import { callerText } from '../../src/message/caller.ts';
import type { NewMessage } from '../../src/message/message.ts';
import { expressionOf } from '../support/expression-of.ts';
import { type GivenProduction, given, waitingIn } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { traced } from '../support/traced.ts';

const DAY = 86_400_000;

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

test('what is made of messages of several people is of nobody whom an EHR launched', async () => {
  const production = await collecting({ count: 2 });
  for (const id of ['x', 'y'])
    await production.comes({
      body: Buffer.from(id),
      type: 'text/plain',
      caller: callerText({ name: 'nora', claims: {}, launch: { realm: 'app', id } }),
    });
  await production.arrive(['x\ny\n']);
  expect(production.sent()[0]?.caller).toBe('{"name":"nora","claims":{}}');
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
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

const nobody = () => false;
const TO_OUT = [{ name: 'all', rules: [], otherwise: [{ to: 'out', transforms: [] }] }];

test('what was collected by a process that no longer does is told, goes on or is discarded as ordered, and its list ends', async () => {
  const production = await collecting({ key: expressionOf('body().substring(0, 1)') });
  const { engine, director } = production;
  const ids: number[] = [];
  for (const text of ['a1', 'a2', 'b1', 'b2', 'c1'])
    ids.push((await production.comes(text)).messageId);
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(5));
  const { definition } = director;
  const bundle = definition.processes.get('bundle');
  if (bundle === undefined) throw new Error('it collects');
  const router: typeof bundle = { ...bundle, collect: undefined, rules: TO_OUT };
  const told = vi.spyOn(engine.outcomes, 'append');
  await director.apply({ ...definition, processes: new Map([['bundle', router]]) }, ['bundle']);
  await vi.waitFor(() =>
    expect(told.mock.calls.map(([{ record }]) => 'text' in record && record.text)).toContainEqual(
      expect.stringMatching(/^5 messages that bundle collected are not made into one/),
    ),
  );
  const close = (key: string, discard: boolean) =>
    closeLeft(engine, director, { host: 'bundle', key, discard, by: 'anna' });
  expect(await close('a', true)).toEqual({ parts: 2 });
  expect(await close('b', false)).toEqual({ parts: 2 });
  await vi.waitFor(() => expect(production.arrived().toSorted()).toEqual(['b1', 'b2']));
  await expect(close('b', false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const ended = await outcomesOf(production, ...ids.slice(0, 2));
  expect(ended.map(({ status, by }) => [status, by])).toEqual([
    ['discarded', 'anna'],
    ['discarded', 'anna'],
  ]);
  // one that waits keeps its list; ended without it, nothing does
  expect(await sweepLeft(engine, nobody)).toBe(0);
  await wakeAtOnce(engine.waiting, 'bundle', ids[4] ?? 0);
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(0));
  expect(await batchesOf(engine)).toMatchObject([{ key: 'c', parts: 1 }]);
  expect(await sweepLeft(engine, () => true)).toBe(0);
  expect(await sweepLeft(engine, nobody)).toBe(1);
  expect(await batchesOf(engine)).toEqual([]);
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

const runBy = (process: ReturnType<typeof collector>, id: number, cameBack = false) =>
  process.runOrWait?.(subjectOf(id), {
    cut: new AbortController().signal,
    stopping: new AbortController().signal,
    inPlace: false,
    cameBack,
    onWait: () => undefined,
  });

/** A collector of three, without a host, whose first two parts wait. */
async function direct(first: number, more: Partial<CollectOptions> = {}) {
  const production = await collecting({});
  const { engine } = production;
  const parts = { ...DEFAULTS, count: 3, key: undefined, end: undefined, to: ['out'] };
  const store = durableParts('direct', engine);
  const options = { ...parts, name: 'direct', store, now: () => Date.now(), ...more };
  const process = collector(options);
  const wait = async (id: number): Promise<void> => {
    const { message, body } = subjectOf(id);
    const taken = { message: { ...message, body }, bodyRef: undefined };
    await engine.waiting.enter(taken as Taken, 'direct', { until: Date.now() + DAY, answers: [] });
  };
  for (const id of [first, first + 1]) {
    expect(await runBy(process, id)).toBeInstanceOf(Waits);
    await wait(id);
  }
  return {
    engine,
    wait,
    run: (id: number) => runBy(process, id),
    /** As another production has it, such as with another key. */
    runWith: (other: Partial<CollectOptions>, id: number, cameBack: boolean) =>
      runBy(collector({ ...options, ...other }), id, cameBack),
    ended: (id: number) => process.ended?.(id),
  };
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

test('a part that NATS has lost is not completed with a message that it is not in', async () => {
  let past = 0;
  const { engine, run, ended } = await direct(300, { now: () => Date.now() + past });
  const found = await engine.waiting.find('direct', 301);
  await engine.waiting.leave({ id: 301, sequence: found?.sequence ?? 0 });
  expect(await run(302)).toBeInstanceOf(Waits);
  past = 15 * 60_000;
  // from now on without it
  expect(await run(302)).toBeInstanceOf(Waits);
  const made = await run(302);
  expect(made).toMatchObject({ sends: [{ to: 'out', joins: 2 }], takes: { ids: [300] } });
  // it is there after all, and is collected anew
  expect(await run(301)).toBeInstanceOf(Waits);
  for (const id of [300, 301, 302]) await ended(id);
});

test('a list of parts that NATS has lost is not waited for for ever', async () => {
  let past = 0;
  const { engine, run, ended } = await direct(500, { now: () => Date.now() + past });
  const { keyed } = engine;
  await changeBatches(keyed, { host: 'direct', key: '' }, (before) => ({
    ...before,
    open: before.open && { ...before.open, parts: [...partsFrom(1, 256), ...before.open.parts] },
  }));
  expect(await run(502)).toBeInstanceOf(Waits);
  let lost = 0;
  for await (const { place, ...found } of keyed.all('piece')) {
    if (place.host === 'direct' && (await keyed.replace(place, found, undefined))) lost += 1;
  }
  expect(lost).toBe(1);
  expect(await run(502)).toBeInstanceOf(Waits);
  past = 15 * 60_000;
  expect(await run(502)).toBeInstanceOf(Waits);
  const made = await run(502);
  expect(made).toMatchObject({ sends: [{ to: 'out', joins: 3 }], takes: { ids: [500, 501] } });
  for (const id of [500, 501, 502]) await ended(id);
});

test('what was collected under a key stays there, although the production has another key by now', async () => {
  const { engine, wait, run, runWith, ended } = await direct(400);
  const key = expressionOf('"other"');
  // it comes back at its time, with which the batch is complete
  const late = { key, now: () => Date.now() + 2 * DAY };
  const made = await runWith(late, 400, true);
  expect(made).toMatchObject({ sends: [{ joins: 2 }], takes: { ids: [401] } });
  if (made === undefined || made instanceof Waits) throw new Error('it waits');
  await made.takes?.begin();
  await made.takes?.end();
  expect((await batchesOf(engine)).filter(({ host }) => host === 'direct')).toEqual([]);
  // what comes now has the new one
  expect(await run(402)).toBeInstanceOf(Waits);
  await wait(402);
  expect(await runWith({ key }, 403, false)).toBeInstanceOf(Waits);
  const keys = (await batchesOf(engine)).filter(({ host }) => host === 'direct');
  expect(keys.map((one) => [one.key, one.parts])).toEqual([
    ['', 1],
    ['other', 1],
  ]);
  for (const id of [402, 403]) await ended(id);
});

const partsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: first + n, size: 1 }));

test('what an earlier version collected goes on; a long list is in pieces, and nothing of it is left', async () => {
  const { engine } = await collecting({});
  const { keyed } = engine;
  const place = batchPlace('long', '');
  const before = { parts: partsFrom(1_000, 5_000), since: 1, until: Number.MAX_SAFE_INTEGER };
  await keyed.replace(place, { value: undefined, revision: 0 }, { open: before, closed: [] });
  const store = durableParts('long', engine);
  const limits = { count: 100_000, size: 1_000_000, within: DAY };
  const add = (id: number) =>
    store.change('', async (entry, pieces) =>
      withPart(
        entry,
        limits,
        { id, size: 1, now: 0, isEnd: false },
        await holderOf(entry, id, pieces),
      ),
    );
  await Promise.all([add(6_000), add(6_001), add(1_000), add(3_333)]);
  const { value } = await keyed.read<Batches>(place);
  if (value?.open === undefined) throw new Error('it is gone');
  expect(JSON.stringify(value).length).toBeLessThan(12_000);
  expect((await batchesOf(engine)).find(({ host }) => host === 'long')).toMatchObject({
    parts: 5_002,
    bytes: 5_002,
  });
  const ids = (await partsOf(value.open, store.pieces)).map(({ id }) => id);
  expect(ids.slice(0, 5_000)).toEqual(before.parts.map(({ id }) => id));
  expect(ids.slice(5_000).toSorted((a, b) => a - b)).toEqual([6_000, 6_001]);
  // one that a person takes out, and a piece that an engine stored before it died
  await store.change('', (entry, pieces) => withoutParts(entry, new Set([3_333]), pieces));
  await keyed.replace(
    { kind: 'piece', host: 'long', key: '1-orphan' },
    { value: undefined, revision: 0 },
    { of: '', parts: partsFrom(1, 2) },
  );
  expect(await sweepPieces(keyed)).toBe(1);
  const rest = (await keyed.read<Batches>(place)).value?.open;
  expect((await partsOf(rest ?? before, store.pieces)).map(({ id }) => id)).toEqual(
    ids.filter((id) => id !== 3_333),
  );
  await changeBatches(keyed, { host: 'long', key: '' }, async (entry, pieces) =>
    withoutParts(entry, new Set(ids), pieces),
  );
  expect((await keyed.read(place)).value).toBeUndefined();
  expect(await sweepPieces(keyed)).toBe(0);
  for await (const { place: left } of keyed.all('piece')) expect(left.host).not.toBe('long');
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
