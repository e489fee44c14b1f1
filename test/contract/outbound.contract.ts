import { describe, expect, vi } from 'vitest';
import type { OutboundAdapter, Reply } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { openResources } from '../support/nothing-open.ts';
import {
  type OpenedOutbound,
  type OpenOptions,
  openOutbound,
  streamedBody,
  testSteps,
} from '../support/open-adapter.ts';
import { clauseOf } from './clause.ts';
import { expectErrorQuotesNothing, expectNothingQuoted, markedBody } from './marker.ts';
import { describeDeclaration } from './settings.contract.ts';
import { expectBorne } from './troubled.ts';

/** The far side of an outbound adapter: a real server or a faithful one. A fresh one for each test. */
export interface OutboundPeer extends AsyncDisposable {
  readonly given: Readonly<Record<string, unknown>>;
  readonly options?: OpenOptions;
  /** The bodies that arrived whole, in order, as the peer sees them. */
  received(): Promise<readonly Buffer[]> | readonly Buffer[];
  /** From now on the peer takes connections and keeps every message unanswered, until `release`. */
  hold?(): Promise<void> | void;
  release?(): Promise<void> | void;
  /** From now on the peer refuses messages. `temporary`: it would take them later. `final`: never. */
  refuse?(how: 'temporary' | 'final'): Promise<void> | void;
  /** Takes the peer away: its port is closed, its folder gone. */
  breakDown?(): Promise<void>;
  /** Brings it back at the same place. */
  repair?(): Promise<void>;
}

/** How the adapter says that the peer refused: by throwing, or by a reply whose code the engine judges. */
type Refusal = { readonly throws: string } | { readonly code: string };

export interface OutboundContract {
  readonly peer: () => Promise<OutboundPeer>;
  readonly body?: (controlId: string) => Buffer;
  /** What arrives at the peer for a sent body, where the adapter wraps it. */
  readonly arrives?: (sent: Buffer) => Buffer;
  readonly refusals?: { readonly temporary?: Refusal; readonly final?: Refusal };
  readonly gaps?: Readonly<Partial<Record<OutboundClause, string>>>;
}

/** Further messages have ids of their own: an adapter may recognise one that it sent before. */
const SECOND = { id: 7_000_002 };
const THIRD = { id: 7_000_003 };

const CLAUSES = {
  tidy: 'opens, sends and closes, and leaves no socket, watcher or timer behind',
  exact: 'sends the exact bytes of a message',
  several: 'sends several messages at once, each whole',
  large: 'sends a body that is not in memory, whole',
  closing: 'waits on closing for a message that is being sent',
  signal: 'gives up a message when its signal aborts, with an error',
  usable: 'can send again after a message was given up',
  down: 'says that the peer is away, as an error that is retried',
  back: 'sends again after the peer came back',
  silent: 'gives up a peer that falls silent, says so, closes meanwhile, and sends again, twice',
  dripping: 'gives up connecting to a peer that says a byte now and then',
  temporary: 'tells a refusal for now from one for good: for now',
  final: 'tells a refusal for now from one for good: for good',
  steps: 'tests its connection in steps that pass, and sends nothing',
  'steps-down': 'tests its connection in steps, of which the failed one names cause and remedy',
  quiet: 'logs nothing above debug in normal operation',
} as const;

type OutboundClause = keyof typeof CLAUSES;

/** The menu that every outbound adapter's test calls: what the engine relies on. */
export function describeOutbound<S extends Settings>(
  adapter: OutboundAdapter<S>,
  contract: OutboundContract,
): void {
  const { peer, gaps = {}, body = markedBody, arrives = (sent) => sent, refusals } = contract;
  const open = ({ given, options }: OutboundPeer): Promise<OpenedOutbound> =>
    openOutbound(adapter, given, options);
  const clause = clauseOf<OutboundClause>(CLAUSES, gaps);

  describe(`${adapter.type} keeps the contract of outbound adapters`, () => {
    describeDeclaration(
      adapter,
      async () => {
        await using one = await peer();
        return { given: one.given, options: one.options ?? {} };
      },
      'out',
    );

    clause('tidy', async () => {
      await using one = await peer();
      const resources = openResources();
      const opened = await open(one);
      await opened.send(body('C1'));
      await opened.close();
      // Before the peer goes: it would close what the adapter forgot.
      await resources.expectNothingNew();
    });

    clause('exact', async () => {
      await using one = await peer();
      await using opened = await open(one);
      await opened.send(body('C1'));
      await opened.send(body('C2'), SECOND);
      expect(await one.received()).toEqual([arrives(body('C1')), arrives(body('C2'))]);
    });

    clause('several', async () => {
      await using one = await peer();
      await using opened = await open(one);
      const ids = Array.from({ length: 8 }, (_, n) => `C${n}`);
      await Promise.all(ids.map((id, n) => opened.send(body(id), { id: 7_100_000 + n, name: id })));
      const wanted = ids.map((id) => arrives(body(id)).toString('latin1'));
      const seen = (await one.received()).map((arrived) => arrived.toString('latin1'));
      expect(seen.toSorted()).toEqual(wanted.toSorted());
    });

    clause('large', async () => {
      await using one = await peer();
      await using opened = await open(one);
      const large = Buffer.concat([body('C1'), Buffer.from(`NTE|1||${'x'.repeat(3_000_000)}\r`)]);
      await opened.send(streamedBody(large));
      const [seen] = await one.received();
      expect(seen?.equals(arrives(large)), 'the body arrived changed').toBe(true);
    });

    clause('closing', async () => {
      await using one = await peer();
      const opened = await open(one);
      await one.hold?.();
      const order: string[] = [];
      const sending = opened.send(body('C1')).then(() => order.push('sent'));
      await new Promise((resolve) => setImmediate(resolve));
      const closing = opened.close().then(() => order.push('closed'));
      await one.release?.();
      await Promise.all([sending, closing]);
      expect(order).toEqual(['sent', 'closed']);
    });

    clause('signal', async () => {
      await using one = await peer();
      await using opened = await open(one);
      await one.hold?.();
      const controller = new AbortController();
      const sending = opened.send(body('C1'), {}, controller.signal);
      await new Promise((resolve) => setImmediate(resolve));
      const begin = performance.now();
      controller.abort(new Error('operation timed out'));
      await expect(sending).rejects.toBeInstanceOf(Error);
      expect(performance.now() - begin).toBeLessThan(5_000);
      await one.release?.();
    });

    clause('usable', async () => {
      await using one = await peer();
      await using opened = await open(one);
      await one.hold?.();
      const controller = new AbortController();
      const sending = opened.send(body('C1'), {}, controller.signal);
      await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('operation timed out'));
      await expect(sending).rejects.toBeInstanceOf(Error);
      await one.release?.();
      await sendByReopening(adapter, one, opened, body('C2'));
      expect((await one.received()).at(-1)).toEqual(arrives(body('C2')));
    });

    clause('down', async () => {
      await using one = await peer();
      await one.breakDown?.();
      const error = await failureOf(adapter, one, body('C1'));
      expect(error).toMatchObject({
        retryable: true,
        code: expect.stringMatching(/^(ADAPTER_NOT_CONNECTED|ADAPTER_TEMPORARY)$/),
      });
      expect(error.message).toMatch(/\. \S.*\.$/s);
      expectErrorQuotesNothing(error);
    });

    clause('back', async () => {
      await using one = await peer();
      await using opened = await open(one);
      await opened.send(body('C1'));
      await one.breakDown?.();
      const error: unknown = await opened
        .send(body('C2'), SECOND)
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expectErrorQuotesNothing(error);
      await one.repair?.();
      await sendByReopening(adapter, one, opened, body('C3'));
      expect((await one.received()).at(-1)).toEqual(arrives(body('C3')));
      expectNothingQuoted(opened);
    });

    for (const trouble of ['silent', 'dripping'] as const) {
      clause(trouble, async () => {
        await using one = await peer();
        await expectBorne({ adapter, peer: one, body }, trouble);
      });
    }

    for (const how of ['temporary', 'final'] as const) {
      clause(how, async () => {
        await using one = await peer();
        await using opened = await open(one);
        await one.refuse?.(how);
        const answer = await opened.send(body('C1')).catch((error: unknown) => error);
        expectRefusal(answer, refusals?.[how]);
        expectNothingQuoted(opened);
      });
    }

    clause('steps', async () => {
      await using one = await peer();
      const steps = await testSteps(adapter, one.given, one.options);
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
      expect(await one.received()).toEqual([]);
    });

    clause('steps-down', async () => {
      await using one = await peer();
      await one.breakDown?.();
      const steps = await testSteps(adapter, one.given, one.options);
      expect(steps.at(-1)).toMatchObject({
        result: 'failed',
        cause: expect.stringMatching(/.{10,}/),
        remedy: expect.stringMatching(/.{10,}/),
      });
    });

    clause('quiet', async () => {
      await using one = await peer();
      const opened = await open(one);
      await opened.send(body('C1'));
      await opened.close();
      expect(opened.log.filter((line) => !/"level":"(debug|trace)"/.test(line))).toEqual([]);
      expect(opened.events.filter(({ level }) => level !== 'info')).toEqual([]);
      expectNothingQuoted(opened);
    });
  });
}

function expectRefusal(answer: unknown, wanted: Refusal | undefined): void {
  if (wanted === undefined) throw new Error('the contract says nothing of this refusal: add a gap');
  if ('code' in wanted) {
    expect((answer as Reply).code).toBe(wanted.code);
    return;
  }
  expect(answer).toBeInstanceOf(Error);
  expect(answer).toMatchObject({ code: wanted.throws });
  expectErrorQuotesNothing(answer);
}

/** Sends as the engine does: on the open adapter, or on a fresh one if that says it is not connected. */
async function sendByReopening<S extends Settings>(
  adapter: OutboundAdapter<S>,
  { given, options }: OutboundPeer,
  opened: OpenedOutbound,
  body: Buffer,
): Promise<void> {
  try {
    await opened.send(body, THIRD);
  } catch {
    await vi.waitFor(
      async () => {
        await using fresh = await openOutbound(adapter, given, options);
        await fresh.send(body, THIRD);
      },
      { timeout: 5_000 },
    );
  }
}

async function failureOf<S extends Settings>(
  adapter: OutboundAdapter<S>,
  { given, options }: OutboundPeer,
  body: Buffer,
): Promise<Error & { code?: string }> {
  try {
    await using opened = await openOutbound(adapter, given, options);
    await opened.send(body);
  } catch (error) {
    return error as Error;
  }
  throw new Error('it sent the message although the peer is away');
}
