import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectSecure, type TlsOptions } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import type { OutboundAdapter } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { inlineBody } from '../../src/message/body.ts';
import { type Certificates, certificates } from '../support/certificates.ts';
import { type CuttingProxy, cuttingProxy, type Direction } from '../support/cutting-proxy.ts';
import type { FramedPeer } from '../support/framed-peer.ts';
import { portOf } from '../support/mllp-sender.ts';
import { openResources } from '../support/nothing-open.ts';
import type { OpenedInbound, OpenOptions } from '../support/open-adapter.ts';
import { areRightClass, sentAtLast } from '../support/supervised.ts';

const DIRECTIONS = ['toServer', 'toClient'] as const satisfies Direction[];

/** Where to cut what passed: plain text at every byte, TLS here and there. */
function cuts(passed: Buffer, most = Number.POSITIVE_INFINITY): number[] {
  const step = Math.max(1, Math.ceil(passed.length / most));
  return Array.from({ length: Math.ceil(passed.length / step) }, (_, n) => n * step);
}

interface Wire {
  readonly title: string;
  readonly most: number;
  readonly secure: boolean;
}

const WIRES: readonly Wire[] = [
  { title: 'at every byte', most: Number.POSITIVE_INFINITY, secure: false },
  { title: 'anywhere in mutual TLS', most: 24, secure: true },
];

export interface CutOutbound {
  /** A peer that answers every message well. */
  readonly peer: (
    tls?: TlsOptions,
  ) => Promise<Pick<FramedPeer, 'port' | 'received' | 'open'> & AsyncDisposable>;
  /** Settings besides `connect` and `tls`. */
  readonly given?: Readonly<Record<string, unknown>>;
  readonly message: string;
  /** The way on which the cut lies that nobody can tell from a message that never came; that of the answers, if it is not said. */
  readonly unclear?: Direction;
  /** How many places at least there are to cut at; fewer would prove little. */
  readonly places: number;
}

/** Cuts the connection of a sending adapter everywhere, in both directions, plain and in TLS. */
export function describeCutOutbound<S extends Settings>(
  adapter: OutboundAdapter<S>,
  { peer: startPeer, given = {}, message, places, unclear = 'toClient' }: CutOutbound,
): void {
  describe.for(WIRES)(`a connection of ${adapter.type} that is cut $title`, ({ most, secure }) => {
    test.for(DIRECTIONS)(
      '%s loses no message, sends it twice only where it says so, and leaves nothing open',
      async (direction) => {
        await using files = await certificates();
        const { server, client, trust, authority } = files;
        const tls = { cert: server.certificate, key: server.key, ca: authority.certificate };
        await using peer = await startPeer(secure ? { ...tls, requestCert: true } : undefined);
        const resources = openResources();
        const sent = async (proxy: CuttingProxy): Promise<string[]> => {
          const connecting = {
            ...given,
            connect: `localhost:${proxy.port}`,
            ...(secure && { tls: { trust, certificate: 'hub' } }),
          };
          return sentAtLast(
            adapter,
            { given: connecting, options: { credentials: { hub: client } } },
            { body: inlineBody(Buffer.from(message)) },
          );
        };
        const proxy = await cuttingProxy(peer.port);
        expect(await sent(proxy)).toEqual([]);
        const all = cuts(proxy.passed(direction), most);
        const least = secure ? 20 : direction === 'toServer' ? places : 1;
        expect(all.length).toBeGreaterThanOrEqual(least);
        let repeated = 0;
        for (const after of all) {
          peer.received.length = 0;
          proxy.cutNext(direction, after);
          const errors = await sent(proxy);
          repeated += peer.received.length - 1;
          expect(new Set(peer.received.map(String)), `cut after ${after}`).toEqual(
            new Set([message]),
          );
          const isRight = areRightClass(errors, peer.received.length);
          expect(isRight, `cut after ${after}: ${errors.join()}`).toBe(true);
        }
        // in TLS so few places may miss the one of a single byte on the way there
        const isRare = secure && unclear === 'toServer';
        const possible = direction !== unclear ? [false] : isRare ? [true, false] : [true];
        expect(possible).toContain(repeated > 0);
        await proxy[Symbol.asyncDispose]();
        await vi.waitFor(() => expect(peer.open.size).toBe(0));
        await peer[Symbol.asyncDispose]();
        await resources.expectNothingNew();
      },
    );
  });
}

/** A sender that sends its message once, and hears what comes back until the connection ends. */
async function sendOnce(
  port: number,
  { framed, acknowledged }: Pick<CutInbound, 'framed' | 'acknowledged'>,
  tls: object | undefined,
): Promise<boolean> {
  const socket =
    tls === undefined
      ? connect(port, '127.0.0.1')
      : connectSecure({ port, host: '127.0.0.1', ...tls });
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
    if (acknowledged(heard)) socket.end();
  });
  const closed = once(socket, 'close').catch(() => undefined);
  socket.write(framed);
  await closed;
  return acknowledged(heard);
}

const wire = ({ authority, client }: Certificates): object => ({
  ca: authority.certificate,
  servername: 'localhost',
  cert: client.certificate,
  key: client.key,
});

export interface CutInbound {
  readonly open: (
    given: Readonly<Record<string, unknown>>,
    options: OpenOptions,
  ) => Promise<OpenedInbound>;
  readonly message: string;
  /** The message as it goes over the wire. */
  readonly framed: Buffer;
  /** Whether all of the answer was heard by which the sender may forget the message. */
  readonly acknowledged: (heard: string) => boolean;
  /** What a repetition is known by. */
  readonly dedupeKey: string;
}

/** Cuts a sender's connection to a listening adapter everywhere, in both directions, plain and in TLS. */
export function describeCutInbound(type: string, cut: CutInbound): void {
  describe.for(WIRES)(`a sender’s connection to ${type} that is cut $title`, (one) => {
    test.for(DIRECTIONS)(
      '%s delivers the message whole or not at all, acknowledges none that is not stored, and leaves nothing open',
      async (direction) => {
        expect(await cutEverywhere(cut, one, direction)).toBe(
          !one.secure && direction === 'toServer',
        );
      },
    );
  });
}

/** Whether operators were told of a message that ended in its middle. */
async function cutEverywhere(
  cut: CutInbound,
  { most, secure }: Wire,
  direction: Direction,
): Promise<boolean> {
  await using files = await certificates();
  const tls = { certificate: 'hub', clientCertificate: 'required', trust: files.trust };
  const resources = openResources();
  const opened = await cut.open(secure ? { tls } : {}, { credentials: { hub: files.server } });
  const proxy = await cuttingProxy(portOf(opened));
  const client = secure ? wire(files) : undefined;
  expect(await sendOnce(proxy.port, cut, client)).toBe(true);
  let unanswered = 0;
  const all = cuts(proxy.passed(direction), most);
  for (const after of all) {
    opened.delivered.length = 0;
    proxy.cutNext(direction, after);
    const isAcknowledged = await sendOnce(proxy.port, cut, client);
    unanswered += isAcknowledged ? 0 : 1;
    expect(!isAcknowledged || opened.delivered.length === 1, `cut after ${after}`).toBe(true);
    // as a sender does that heard nothing
    expect(await sendOnce(proxy.port, cut, client)).toBe(true);
    expect(new Set(opened.delivered.map(({ body }) => String(body)))).toEqual(
      new Set([cut.message]),
    );
    expect(new Set(opened.delivered.map(({ dedupeKey }) => dedupeKey))).toEqual(
      new Set([cut.dedupeKey]),
    );
  }
  // the last cut may be behind the last byte that counts
  expect(unanswered).toBeGreaterThanOrEqual(all.length - 1);
  const told = opened.events.map(({ text }) => text).join('\n');
  const isTold = /left in the middle of a message \(\d+ bytes came\)/.test(told);
  await proxy[Symbol.asyncDispose]();
  await opened.close();
  await resources.expectNothingNew();
  return isTold;
}
