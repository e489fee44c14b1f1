import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { type CuttingProxy, cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { mllpPeer } from '../../support/mllp-peer.ts';
import { inMllp, portOf } from '../../support/mllp-sender.ts';
import { openResources } from '../../support/nothing-open.ts';
import type { OpenedInbound } from '../../support/open-adapter.ts';
import { areRightClass, sentAtLast } from '../../support/supervised.ts';
import { adt, listening, texts } from './listening.ts';

const MESSAGE = adt('M1');
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

describe.for(WIRES)('a connection of mllp-out that is cut $title', ({ most, secure }) => {
  test.for(DIRECTIONS)(
    '%s loses no message, sends it twice only where it says so, and leaves nothing open',
    { timeout: 60_000 },
    async (direction) => {
      await using files = await certificates();
      const { server, client, trust, authority } = files;
      const tls = { cert: server.certificate, key: server.key, ca: authority.certificate };
      await using peer = await mllpPeer(secure ? { ...tls, requestCert: true } : undefined);
      const resources = openResources();
      const sent = async (proxy: CuttingProxy): Promise<string[]> => {
        const given = {
          connect: `localhost:${proxy.port}`,
          ...(secure && { tls: { trust, certificate: 'hub' } }),
        };
        return sentAtLast(
          mllpOut,
          { given, options: { credentials: { hub: client } } },
          { body: inlineBody(Buffer.from(MESSAGE)) },
        );
      };
      const proxy = await cuttingProxy(peer.port);
      expect(await sent(proxy)).toEqual([]);
      const all = cuts(proxy.passed(direction), most);
      expect(all.length).toBeGreaterThan(20);
      let repeated = 0;
      for (const after of all) {
        peer.received.length = 0;
        proxy.cutNext(direction, after);
        const errors = await sent(proxy);
        repeated += peer.received.length - 1;
        expect(new Set(peer.received.map(String)), `cut after ${after}`).toEqual(
          new Set([MESSAGE]),
        );
        const isRight = areRightClass(errors, peer.received.length);
        expect(isRight, `cut after ${after}: ${errors.join()}`).toBe(true);
      }
      // a cut on the way back is the one that nobody can tell from a message that never came
      expect(repeated > 0).toBe(direction === 'toClient');
      await proxy[Symbol.asyncDispose]();
      await vi.waitFor(() => expect(peer.open.size).toBe(0));
      await peer[Symbol.asyncDispose]();
      await resources.expectNothingNew();
    },
  );
});

/** A sender that sends its message once, and hears what comes back until the connection ends. */
async function sendOnce(port: number, tls: object | undefined): Promise<string> {
  const socket =
    tls === undefined
      ? connect(port, '127.0.0.1')
      : connectSecure({ port, host: '127.0.0.1', ...tls });
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
    if (heard.endsWith('\u001c\r')) socket.end();
  });
  const closed = once(socket, 'close').catch(() => undefined);
  socket.write(inMllp(MESSAGE));
  await closed;
  return heard;
}

const wire = ({ authority, client }: Certificates): object => ({
  ca: authority.certificate,
  servername: 'localhost',
  cert: client.certificate,
  key: client.key,
});

describe.for(WIRES)('a sender’s connection to mllp-in that is cut $title', ({ most, secure }) => {
  test.for(DIRECTIONS)(
    '%s delivers the message whole or not at all, acknowledges none that is not stored, and leaves nothing open',
    { timeout: 60_000 },
    async (direction) => {
      await using files = await certificates();
      const tls = { certificate: 'hub', clientCertificate: 'required', trust: files.trust };
      const resources = openResources();
      const opened: OpenedInbound = await listening(secure ? { tls } : {}, {
        credentials: { hub: files.server },
      });
      const proxy = await cuttingProxy(portOf(opened));
      const client = secure ? wire(files) : undefined;
      expect(await sendOnce(proxy.port, client)).toContain('MSA|AA|M1');
      let unanswered = 0;
      for (const after of cuts(proxy.passed(direction), most)) {
        opened.delivered.length = 0;
        proxy.cutNext(direction, after);
        const heard = await sendOnce(proxy.port, client);
        const isAcknowledged = heard.includes('MSA|AA|M1');
        unanswered += isAcknowledged ? 0 : 1;
        expect(!isAcknowledged || opened.delivered.length === 1, `cut after ${after}`).toBe(true);
        // as a sender does that heard nothing
        expect(await sendOnce(proxy.port, client)).toContain('MSA|AA|M1');
        expect(new Set(opened.delivered.map(({ body }) => String(body)))).toEqual(
          new Set([MESSAGE]),
        );
        expect(new Set(opened.delivered.map(({ dedupeKey }) => dedupeKey))).toEqual(
          new Set(['M1']),
        );
      }
      expect(unanswered).toBeGreaterThan(20);
      const isTold = /left in the middle of a message \(\d+ bytes came\)/.test(texts(opened));
      expect(isTold).toBe(!secure && direction === 'toServer');
      await proxy[Symbol.asyncDispose]();
      await opened.close();
      await resources.expectNothingNew();
    },
  );
});
