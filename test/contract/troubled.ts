import { expect, vi } from 'vitest';
import type { InboundAdapter, OutboundAdapter } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { type OpenedInbound, openInbound, openOutbound } from '../support/open-adapter.ts';
import type { Trouble } from '../support/troubled-proxy.ts';
import type { InboundPeer } from './inbound.contract.ts';
import { expectErrorQuotesNothing } from './marker.ts';
import type { OutboundPeer } from './outbound.contract.ts';
import { throughProxy } from './through-proxy.ts';

/** What comes and goes comes again; the other is about connecting. */
const ROUNDS = { silent: 2, dripping: 1 } as const satisfies Partial<Record<Trouble, number>>;
/** Several limits of the settings one after the other, on a busy machine. */
const MOST = 8;
/**
 * What the engine does when a send takes too long. First the adapter's own limits are waited for: a database is asked
 * over another connection to cancel before its connection is given up. Then the engine is the one with little patience.
 */
const giveUp = (round: number, short: number): AbortSignal =>
  AbortSignal.timeout((round === 0 ? 2 * MOST : 2) * short);

/** In trouble a peer costs what the settings say, and a person is told whose fault it is. */
function expectNamed(error: unknown, port: number): void {
  expect(error).toMatchObject({
    retryable: true,
    code: expect.stringMatching(/^(ADAPTER_NOT_CONNECTED|ADAPTER_TEMPORARY|REPLY_TIMEOUT)$/),
    message: expect.stringMatching(new RegExp(`:${port}\\b.*[.)]|^The file|^No answer`, 's')),
  });
  expectErrorQuotesNothing(error);
}

async function within<Value>(what: string, work: Promise<Value>, most: number): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} took longer than ${most} ms`)),
    most,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

interface OutboundTrial<S extends Settings> {
  readonly adapter: OutboundAdapter<S>;
  readonly peer: OutboundPeer;
  readonly body: (controlId: string) => Buffer;
}

/** Sends to a peer that gets into trouble, out of it, in again, and out again. */
export async function expectBorne<S extends Settings>(
  { adapter, peer, body }: OutboundTrial<S>,
  trouble: keyof typeof ROUNDS,
): Promise<void> {
  await using at = await throughProxy(adapter.settings, peer.given, async () => {
    await using _ = await openOutbound(adapter, peer.given, peer.options);
  });
  if (at === undefined) return;
  const { proxy, given, short } = at;
  const most = MOST * short;
  let id = 7_200_000;
  for (let round = 0; round < ROUNDS[trouble]; round++) {
    const opened = await within('opening', openOutbound(adapter, given, peer.options), most);
    await opened.send(body(`A${round}`), { id: id++ });
    proxy.be(trouble);
    const message = { id: id++, name: `B${round}` };
    const limit = giveUp(round, short);
    const lost = await within(
      'sending',
      failure(opened.send(body(`B${round}`), message, limit)),
      3 * most,
    );
    if (lost !== undefined && !limit.aborted) expectNamed(lost, proxy.port);
    const other = openOutbound(adapter, given, peer.options);
    const unopened = await within('opening in trouble', failure(other), most);
    if (unopened !== undefined) expectNamed(unopened, proxy.port);
    await within('closing in trouble', opened.close(), most);
    if (unopened === undefined) await within('closing in trouble', (await other).close(), most);
    proxy.be('none');
    await vi.waitFor(() => expect(proxy.open, 'connections left open').toBe(0));
  }
  await using last = await openOutbound(adapter, given, peer.options);
  await last.send(body('C'), { id });
}

interface InboundTrial<S extends Settings> {
  readonly adapter: InboundAdapter<S>;
  readonly peer: InboundPeer;
  readonly body: (controlId: string) => Buffer;
}

/** Takes from a peer that gets into trouble, and out of it, twice; closed in the middle of it. */
export async function expectOutlasted<S extends Settings>(
  { adapter, peer, body }: InboundTrial<S>,
  trouble: keyof typeof ROUNDS,
): Promise<void> {
  await using at = await throughProxy(adapter.settings, peer.given, async () => {
    await using _ = await openInbound(adapter, peer.given, peer.options);
  });
  if (at === undefined) return;
  const { proxy, given, short } = at;
  const most = MOST * short;
  let memory: string | undefined;
  const open = (): Promise<OpenedInbound> =>
    openInbound(adapter, given, { ...peer.options, ...(memory !== undefined && { memory }) });
  for (let round = 0; round < ROUNDS[trouble]; round++) {
    const opened = await within('opening', open(), most);
    const offered = await peer.offer(body(`A${round}`), opened);
    await vi.waitFor(async () => expect(await offered.standing()).toBe('taken'));
    ({ memory } = opened);
    proxy.be(trouble);
    const unopened = await within(
      'opening in trouble',
      failure(open().then((other) => other.close())),
      most,
    );
    if (unopened !== undefined) expectNamed(unopened, proxy.port);
    // what is under way may end by itself; after that it is stopped by force
    const closing = opened.close();
    const isClosed = await within(
      'closing',
      closing.then(() => true),
      3 * short,
    ).catch(() => false);
    if (!isClosed) opened.abort();
    await within('closing by force', closing, most);
    for (const lost of opened.lost) expectNamed(lost, proxy.port);
    proxy.be('none');
    await vi.waitFor(() => expect(proxy.open, 'connections left open').toBe(0));
  }
}
