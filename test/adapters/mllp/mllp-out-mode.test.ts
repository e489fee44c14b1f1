import { describe, expect, test, vi } from 'vitest';
import { certificates } from '../../support/certificates.ts';
import { ackOf, mllpPeer } from '../../support/mllp-peer.ts';
import { body, open } from './sending.ts';

const commitThenApply = (message: string): Buffer =>
  Buffer.concat([ackOf(message, 'CA'), ackOf(message, 'AE')]);

describe('enhanced mode', () => {
  test('the commit code is the reply, and the answer of the application is not taken for the next', async () => {
    await using peer = await mllpPeer();
    peer.script(commitThenApply);
    await using out = await open(peer);
    for (const id of ['M1', 'M2', 'M3']) {
      expect(await out.send(body(id))).toMatchObject({ code: 'CA' });
    }
    expect(peer.connections).toBe(1);
  });

  test('an answer of the application that comes late is passed over, whenever it comes', async () => {
    await using peer = await mllpPeer();
    let late: Uint8Array | undefined;
    peer.script((message) => {
      const before = late;
      late = ackOf(message, 'AE');
      return Buffer.concat([before ?? Buffer.alloc(0), ackOf(message, 'CA')]);
    });
    await using out = await open(peer);
    expect(await out.send(body('M1'))).toMatchObject({ code: 'CA' });
    expect(await out.send(body('M2'))).toMatchObject({ code: 'CA' });
    for (const socket of peer.open) socket.write(late ?? '');
    await vi.waitFor(() =>
      expect(out.log.join('')).toMatch(/the application's answer[^]*the application's answer/),
    );
    expect(await out.send(body('M3'))).toMatchObject({ code: 'CA' });
    expect(peer.connections).toBe(1);
  });

  test('the answer of the application is waited for with reply: application', async () => {
    await using peer = await mllpPeer();
    peer.script(commitThenApply);
    await using out = await open(peer, { reply: 'application' });
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AE' });
    peer.script((message) => ackOf(message, 'CE'));
    expect(await out.send(body('M2'))).toMatchObject({ code: 'CE' });
  });
});

describe('TLS', () => {
  test('with client certificates on both sides', async () => {
    await using all = await certificates();
    await using peer = await mllpPeer({
      cert: all.server.certificate,
      key: all.server.key,
      ca: all.authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const tls = { trust: all.trust, certificate: 'hub' };
    await using out = await open(peer, { tls }, { credentials: { hub: all.client } });
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AA' });
  });

  test('a peer that refuses our certificate after the handshake is named', async () => {
    await using all = await certificates();
    await using peer = await mllpPeer({
      cert: all.server.certificate,
      key: all.server.key,
      ca: all.authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    await using out = await open(peer, { tls: { trust: all.trust } });
    await vi.waitFor(() => expect(out.events).toHaveLength(1));
    expect(out.events[0]?.text).toMatch(/asks for a client certificate and none was sent\. Set/);
    await expect(out.send(body('M1'))).rejects.toMatchObject({ retryable: true });
  });

  test('a plain connection to a port that speaks TLS says so', async () => {
    await using peer = await mllpPeer();
    // The alert with which OpenSSL answers what is no hello.
    peer.script(() => Buffer.from('1503030002020a', 'hex'));
    await using out = await open(peer);
    await expect(out.send(body('M1'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/speaks TLS\. Add a tls block/),
    });
  });

  test('a plain connection that TLS closes without a word gets a hint', async () => {
    await using all = await certificates();
    await using peer = await mllpPeer({ cert: all.server.certificate, key: all.server.key });
    await using out = await open(peer);
    await expect(out.send(body('M1'))).rejects.toMatchObject({
      message: expect.stringMatching(/If it always does, it may expect TLS/),
    });
  });
});
