import { describe, expect, vi } from 'vitest';
import type { InboundAdapter } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { openResources } from '../support/nothing-open.ts';
import {
  type OpenedInbound,
  type OpenOptions,
  openInbound,
  testSteps,
} from '../support/open-adapter.ts';
import { clauseOf } from './clause.ts';
import { expectErrorQuotesNothing, expectNothingQuoted, markedBody } from './marker.ts';
import { describeDeclaration } from './settings.contract.ts';
import { expectOutlasted } from './troubled.ts';

/** How a message that was offered stands with its sender. */
type Standing =
  /** Not answered yet; of a poller: still where it was found. */
  | 'waiting'
  /** The sender may forget it: it was acknowledged, moved, deleted or marked. */
  | 'taken'
  /** The sender was told to try again. */
  | 'again';

interface Offered {
  standing(): Promise<Standing> | Standing;
}

/** The far side of an inbound adapter: real senders, a folder, a server. A fresh one for each test. */
export interface InboundPeer extends AsyncDisposable {
  readonly given: Readonly<Record<string, unknown>>;
  readonly options?: OpenOptions;
  /** Puts one message in front of the open adapter, as a sender would. Resolves once it is sent, not once it is answered. */
  offer(body: Buffer, opened: OpenedInbound): Promise<Offered>;
  /** Takes away what the adapter needs (the server, the folder, the free port), before it is opened. */
  breakDown?(): Promise<void>;
}

export interface InboundContract {
  readonly peer: () => Promise<InboundPeer>;
  /** A body this adapter can carry; by default an ADT message. Must contain BODY_MARKER. */
  readonly body?: (controlId: string) => Buffer;
  /** What is delivered for an offered body, where the adapter takes it out of a wrapping. */
  readonly delivered?: (offered: Buffer) => Buffer;
  /** Clauses that this adapter does not keep, each with the reason. */
  readonly gaps?: Readonly<Partial<Record<InboundClause, string>>>;
}

const CLAUSES = {
  tidy: 'opens and closes, and leaves no socket, server, watcher or timer behind',
  exact: 'delivers the exact bytes that came in, with a type and an origin',
  order: 'delivers messages in the order they came',
  after: 'acknowledges a message after it is stored and never before',
  again: 'leaves a message that could not be stored for another try',
  recovers: 'takes messages again after the store came back',
  closing: 'waits on closing for a delivery in work, then acknowledges it',
  signal: 'takes nothing more once its signal is aborted, and closes at once',
  silent: 'opens and closes in time while its peer is silent, says so, and takes again, twice',
  dripping: 'opens and closes in time while its peer says a byte now and then',
  down: 'says what is wrong when it cannot open, as an error that may be retried',
  steps: 'tests its connection in steps that pass',
  'steps-down': 'tests its connection in steps, of which the failed one names cause and remedy',
  quiet: 'logs nothing above debug in normal operation',
} as const;

type InboundClause = keyof typeof CLAUSES;

/** The menu that every inbound adapter's test calls: what the engine relies on. */
export function describeInbound<S extends Settings>(
  adapter: InboundAdapter<S>,
  contract: InboundContract,
): void {
  const { peer, gaps = {}, body = markedBody, delivered = (offered) => offered } = contract;
  const open = ({ given, options }: InboundPeer): Promise<OpenedInbound> =>
    openInbound(adapter, given, options);
  const clause = clauseOf<InboundClause>(CLAUSES, gaps);

  describe(`${adapter.type} keeps the contract of inbound adapters`, () => {
    describeDeclaration(
      adapter,
      async () => {
        await using one = await peer();
        return { given: one.given, options: one.options ?? {} };
      },
      'in',
    );

    clause('tidy', async () => {
      await using one = await peer();
      const resources = openResources();
      const opened = await open(one);
      const offered = await one.offer(body('C1'), opened);
      await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
      await opened.close();
      // Before the peer goes: it would close what the adapter forgot.
      await resources.expectNothingNew();
    });

    clause('exact', async () => {
      await using one = await peer();
      await using opened = await open(one);
      await one.offer(body('C1'), opened);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      const [message] = opened.delivered;
      expect(message?.body).toEqual(delivered(body('C1')));
      expect(message?.type).toMatch(/^(HL7v2:|\w+\/[\w.+-]+)/);
      expect(message?.origin).toBeTruthy();
    });

    clause('order', async () => {
      await using one = await peer();
      await using opened = await open(one);
      for (let n = 1; n <= 5; n++) {
        const offered = await one.offer(body(`C${n}`), opened);
        await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
      }
      const wanted = [1, 2, 3, 4, 5].map((n) => delivered(body(`C${n}`)));
      expect(opened.delivered.map((message) => message.body)).toEqual(wanted);
    });

    clause('after', async () => {
      await using one = await peer();
      await using opened = await open(one);
      opened.hold();
      const offered = await one.offer(body('C1'), opened);
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      expect(await offered.standing()).toBe('waiting');
      opened.release();
      await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
      expect(opened.delivered).toHaveLength(1);
    });

    clause('again', async () => {
      await using one = await peer();
      await using opened = await open(one);
      opened.refuse();
      const offered = await one.offer(body('C1'), opened);
      const expected = adapter.polling === true ? 'waiting' : 'again';
      await vi.waitFor(async () => {
        expect(opened.refused).toBeGreaterThan(0);
        expect(await offered.standing()).toBe(expected);
      });
      expectNothingQuoted(opened);
    });

    clause('recovers', async () => {
      await using one = await peer();
      await using opened = await open(one);
      opened.refuse();
      const first = await one.offer(body('C1'), opened);
      await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
      opened.accept();
      const taken = adapter.polling === true ? first : await one.offer(body('C1'), opened);
      await vi.waitFor(async () => expect(await taken.standing()).toBe('taken'));
      // a sender that repeats what was refused may be faster than the second offer: each comes once
      const offers = adapter.polling === true ? 1 : 2;
      expect(opened.delivered.length).toBeGreaterThanOrEqual(1);
      expect(opened.delivered.length).toBeLessThanOrEqual(offers);
      expect(opened.lost).toEqual([]);
    });

    clause('closing', async () => {
      await using one = await peer();
      const opened = await open(one);
      opened.hold();
      const offered = await one.offer(body('C1'), opened);
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      const closed = vi.fn<() => void>();
      const closing = opened.close().finally(closed);
      await new Promise((resolve) => setImmediate(resolve));
      expect(closed, 'closed before the delivery ended').not.toHaveBeenCalled();
      opened.release();
      await closing;
      expect(opened.delivered).toHaveLength(1);
      await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
    });

    clause('signal', async () => {
      await using one = await peer();
      const resources = openResources();
      const opened = await open(one);
      opened.abort();
      const begin = performance.now();
      await opened.close();
      expect(performance.now() - begin).toBeLessThan(5_000);
      expect(opened.lost).toEqual([]);
      await one[Symbol.asyncDispose]();
      await resources.expectNothingNew();
    });

    for (const trouble of ['silent', 'dripping'] as const) {
      clause(trouble, async () => {
        await using one = await peer();
        await expectOutlasted({ adapter, peer: one, body }, trouble);
      });
    }

    clause('down', async () => {
      await using one = await peer();
      await one.breakDown?.();
      const error = await failureOf(adapter, one);
      expect(error).toMatchObject({ retryable: true, code: expect.stringMatching(/^[A-Z_]+$/) });
      expect(error.message).toMatch(/\. \S.*\.$/s);
      expectErrorQuotesNothing(error);
    });

    clause('steps', async () => {
      await using one = await peer();
      const steps = await testSteps(adapter, one.given, one.options);
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
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
      expectErrorQuotesNothing(new Error(JSON.stringify(steps)));
    });

    clause('quiet', async () => {
      await using one = await peer();
      await using opened = await open(one);
      const offered = await one.offer(body('C1'), opened);
      await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
      await opened.close();
      const loud = opened.log.filter((line) => !/"level":"(debug|trace)"/.test(line));
      expect(loud).toEqual([]);
      expect(opened.events.filter(({ level }) => level !== 'info')).toEqual([]);
      expectNothingQuoted(opened);
    });
  });
}

/** The error with which an adapter does not open, or which it reports as soon as it has. */
async function failureOf<S extends Settings>(
  adapter: InboundAdapter<S>,
  { given, options }: InboundPeer,
): Promise<Error & { code?: string }> {
  try {
    await using opened = await openInbound(adapter, given, options);
    return await vi.waitFor(() => {
      const [lost] = opened.lost;
      if (lost === undefined) throw new Error('it opened and reported nothing lost');
      return lost;
    });
  } catch (error) {
    return error as Error;
  }
}
