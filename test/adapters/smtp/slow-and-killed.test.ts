import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import { descendants, signal } from '../../../sandbox/daemon.ts';
import type { Body, Credential } from '../../../src/adapter/index.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { hasMailServers, type MailServer, mailServer, USERS } from '../../support/mail-server.ts';
import { megabytes, PIECE } from '../../support/megabytes.ts';
import { openResources } from '../../support/nothing-open.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { smtpPeer } from '../../support/smtp-peer.ts';

const given = (port: number, more: Record<string, unknown> = {}) => ({
  connect: `localhost:${port}`,
  security: 'none',
  from: 'hub@hospital.example',
  to: 'a@ward.example',
  ...more,
});

/** A server that takes its time over every piece of a mail, and stops reading after so many bytes. */
const slowPeer = (every: number, most = Number.POSITIVE_INFINITY) => {
  let read = 0;
  return smtpPeer({
    security: 'none',
    more: {
      size: 200_000_000,
      onData(stream: Readable, _session, done) {
        stream.on('data', ({ length }: Buffer) => {
          read += length;
          stream.pause();
          if (read < most) setTimeout(() => stream.resume(), every);
        });
        stream.on('end', () => done(null, `took ${read}`));
      },
    },
  });
};

test('a server that reads slowly is given more time than timeout, as long as it goes on', async () => {
  await using peer = await slowPeer(3);
  const resources = openResources();
  const opened = await openOutbound(smtpOut, given(peer.port, { timeout: '2s' }));
  const begin = performance.now();
  const reply = await opened.send(megabytes(40));
  // base64 and its line ends make four bytes of three
  expect(Number(/took (\d+)/.exec(reply?.text ?? '')?.[1])).toBeGreaterThan(53_000_000);
  expect(performance.now() - begin).toBeGreaterThan(2_000);
  await opened.close();
  await peer.stop();
  await resources.expectNothingNew();
});

test('a server that stops reading is given up after timeout, and leaves nothing open', async () => {
  await using peer = await slowPeer(0, 1_000_000);
  const resources = openResources();
  const opened = await openOutbound(smtpOut, given(peer.port, { timeout: '300ms' }));
  await expect(opened.send(megabytes(30))).rejects.toMatchObject({
    code: 'ADAPTER_NOT_CONNECTED',
    message: expect.stringMatching(/stopped answering/),
  });
  await opened.close();
  await peer.stop();
  await resources.expectNothingNew();
});

test('a connection that is cut leaves nothing open, at whatever step', async () => {
  await using peer = await smtpPeer({ security: 'none' });
  for (const step of ['EHLO', 'MAIL FROM', 'RCPT TO', 'DATA', 'Subject:', 'QUIT']) {
    const resources = openResources();
    const proxy = await cuttingProxy(peer.port);
    proxy.cutNextAt('toServer', step);
    const tried = async (): Promise<void> => {
      await using opened = await openOutbound(smtpOut, given(proxy.port));
      await opened.send(Buffer.from('x'));
    };
    const error = await tried().catch((thrown: unknown) => thrown);
    // the goodbye of a session that has done its work is missed by nobody
    const { retryable } = Object(error) as { retryable?: boolean };
    expect(retryable, step).toBe(step === 'QUIT' ? undefined : true);
    await proxy[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  }
});

describe.runIf(await hasMailServers())('with Postfix', () => {
  test('a server that is killed in the middle of a mail delivers nothing of it, and the next try does', async () => {
    await using server = await mailServer();
    const mailer: Credential = {
      kind: 'basic',
      user: 'alice@lab.example',
      password: USERS['alice@lab.example'],
    };
    const settings = {
      connect: `localhost:${server.ports.submission}`,
      tls: { trust: server.trust },
      credential: 'mailer',
      from: 'alice@lab.example',
      to: 'bob@lab.example',
    };
    const options = { credentials: { mailer } };
    await using opened = await openOutbound(smtpOut, settings, options);
    const half: Body = {
      ...megabytes(3),
      async *stream() {
        yield PIECE;
        await killServing(server);
        yield PIECE;
        yield PIECE;
      },
    };
    // the last dot may have gone into a connection whose end had not come yet
    await expect(opened.send(half, { id: 2 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ADAPTER_(NOT_CONNECTED|TEMPORARY)$/),
      retryable: true,
    });
    // by another door: Postfix waits a minute before it opens one anew behind which somebody died
    const door = { connect: `localhost:${server.ports.submissions}`, security: 'tls' };
    await using again = await openOutbound(smtpOut, { ...settings, ...door }, options);
    await again.send(megabytes(3), { id: 2 });
    await vi.waitFor(async () => {
      const mails = await server.mails('bob@lab.example');
      expect(mails.map(({ length }) => length > 4_000_000)).toEqual([true]);
    });
  });
});

/** Kills what serves a connection now. */
async function killServing({ postfix }: MailServer): Promise<void> {
  for (const pid of await descendants(postfix.pid)) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'smtpd') signal(pid, 'SIGKILL');
  }
}
