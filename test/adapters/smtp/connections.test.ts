import { describe, expect, test, vi } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { Body } from '../../../src/adapter/index.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { smtpPeer } from '../../support/smtp-peer.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');

const given = (port: number, more: Record<string, unknown> = {}) => ({
  connect: `localhost:${port}`,
  security: 'none',
  from: 'hub@hospital.example',
  to: 'a@ward.example',
  ...more,
});

describe('the connections', () => {
  test('are as many as mails at once, and used again', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using opened = await openOutbound(smtpOut, given(peer.port));
    peer.hold();
    const sending = [1, 2, 3].map((id) => opened.send(BODY, { id }));
    await vi.waitFor(() => expect(peer.connections).toBe(3));
    peer.release();
    await Promise.all(sending);
    for (const id of [4, 5, 6]) await opened.send(BODY, { id });
    expect(peer.connections).toBe(3);
    expect(peer.mails).toHaveLength(6);
  });

  test('are closed after as many mails as the server likes', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using opened = await openOutbound(smtpOut, given(peer.port, { mailsPerConnection: 2 }));
    for (const id of [1, 2, 3, 4, 5]) await opened.send(BODY, { id });
    expect(peer.connections).toBe(3);
  });

  test('are closed when no mail comes for a while', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    await using opened = await openOutbound(smtpOut, given(proxy.port, { idle: '50ms' }));
    await opened.send(BODY);
    await vi.waitFor(() => expect(proxy.passed('toServer').toString()).toContain('QUIT'));
    await opened.send(BODY);
    expect(proxy.connections).toBe(2);
  });
});

test('a mail that is given up lets go of its body in the store', async () => {
  await using peer = await smtpPeer({ security: 'none' });
  await using opened = await openOutbound(smtpOut, given(peer.port));
  const read = Promise.withResolvers<void>();
  let isReleased = false;
  const body: Body = {
    size: 100_000_000,
    inline: undefined,
    bytes: () => Promise.reject(new Error('not this way')),
    async *stream() {
      try {
        for (;;) {
          yield Buffer.alloc(65_536, 'x');
          read.resolve();
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        isReleased = true;
      }
    },
  };
  const controller = new AbortController();
  const sending = opened.send(body, {}, controller.signal);
  await read.promise;
  controller.abort(new Error('time is over'));
  await expect(sending).rejects.toThrow('time is over');
  await vi.waitFor(() => expect(isReleased).toBe(true));
  expect(peer.mails).toEqual([]);
});
