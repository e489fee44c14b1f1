import { describe, expect, test } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { TokenCredential } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { openOutbound, readGiven } from '../../support/open-adapter.ts';
import { smtpPeer } from '../../support/smtp-peer.ts';
import { lab, PASSWORD, settings } from './smtp-lab.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');
/** Tokens in the order they are given out; `fresh` goes on to the next. */
function tokens(...values: string[]): TokenCredential & { readonly asked: boolean[] } {
  const asked: boolean[] = [];
  let at = 0;
  return {
    kind: 'oauth2',
    user: 'hub',
    asked,
    async token(_signal, { fresh = false, refused } = {}) {
      asked.push(fresh);
      expect(refused).toBe(fresh ? values[at] : undefined);
      if (fresh) at += 1;
      return values[at] ?? '';
    },
  };
}

describe('nothing is sent without the sign-in that was configured', () => {
  test('to a server that offers none', async () => {
    const files = await certificates();
    await using peer = await smtpPeer({ security: 'starttls', certificate: files.server });
    const opening = openOutbound(smtpOut, settings(peer, files), {
      credentials: { hub: PASSWORD },
    });
    await expect(opening).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/offers no sign-in although a credential is configured/),
    });
    expect(peer.mails).toEqual([]);
    await files[Symbol.asyncDispose]();
  });

  test('over plain text, and no connection is made to try', async () => {
    await using one = await lab({ security: 'none' });
    await using opened = await one.open({ security: 'none' });
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/security none: the password would cross the network/),
    });
    expect(one.peer.connections).toBe(0);
  });

  test.for([
    ['none', ['security']],
    ['tls', []],
  ] as const)('and a check says so before it runs: security %s', async ([security, paths]) => {
    const given = {
      connect: 'mail.example:25',
      security,
      credential: 'hub',
      from: 'hub@hospital.example',
      to: 'ward@hospital.example',
      subject: 'x',
    };
    const read = readGiven(smtpOut.settings, given, { credentials: { hub: PASSWORD } });
    const faults = (await smtpOut.check?.(read)) ?? [];
    expect(faults.map(({ path }) => path.join('.'))).toEqual(paths);
  });

  test('to a server, or somebody between, that hides STARTTLS', async () => {
    const files = await certificates();
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    const opening = openOutbound(smtpOut, settings(proxy, files), {
      credentials: { hub: PASSWORD },
    });
    await expect(opening).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/does not offer encryption/),
    });
    expect(proxy.passed('toServer').toString()).not.toMatch(/AUTH|MAIL|DATA/);
    await files[Symbol.asyncDispose]();
  });

  test('after a password was refused: it is sent once and by no other mechanism, and the operation is stopped', async () => {
    await using one = await lab();
    await using opened = await one.open({}, { kind: 'basic', user: 'hub', password: 'wrong' });
    expect(opened.states.at(-1)).toMatchObject({ state: 'disconnected' });
    const error: unknown = await opened.send(BODY).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(
        /PLAIN \(535 5\.7\.8: user, password or token is not accepted\); it offers PLAIN, LOGIN/,
      ),
    });
    await Promise.allSettled([opened.send(BODY), opened.send(BODY)]);
    expect(one.peer.signIns.map(({ method }) => method)).toEqual(['PLAIN']);
    expect(String(error)).not.toContain('wrong,');
    expect(one.peer.mails).toEqual([]);
  });
});

describe('the mechanism', () => {
  test.for([
    { offered: ['PLAIN', 'LOGIN'], credential: PASSWORD, used: 'PLAIN' },
    { offered: ['LOGIN'], credential: PASSWORD, used: 'LOGIN' },
    { offered: ['CRAM-MD5'], credential: PASSWORD, used: 'CRAM-MD5' },
    { offered: ['XOAUTH2', 'PLAIN'], credential: PASSWORD, used: 'PLAIN' },
    { offered: ['PLAIN', 'XOAUTH2'], credential: tokens('pw-of-hub'), used: 'XOAUTH2' },
  ])('of $credential.kind with $offered is $used', async ({ offered, credential, used }) => {
    await using one = await lab({ mechanisms: offered });
    await using opened = await one.open({}, credential);
    await opened.send(BODY);
    expect(one.peer.signIns.map(({ method }) => method)).toEqual([used]);
    expect(one.peer.mails).toMatchObject([{ user: 'hub', secure: true }]);
    expect(opened.states.at(-1)?.detail).toContain(
      `signed in with ${used} (offered: ${offered.join(', ')})`,
    );
  });

  test('can be laid down', async () => {
    await using one = await lab();
    await using opened = await one.open({ mechanism: 'LOGIN' });
    await opened.send(BODY);
    expect(one.peer.signIns.map(({ method }) => method)).toEqual(['LOGIN']);
  });

  test('that the server offers and refuses is followed by the next, and operators see both', async () => {
    await using one = await lab({
      mechanisms: ['PLAIN', 'LOGIN'],
      more: {
        onAuth({ method, username = '' }, _session, done) {
          if (method === 'LOGIN') done(null, { user: username });
          else done(Object.assign(new Error('5.5.4 not for you'), { responseCode: 504 }));
        },
      },
    });
    await using opened = await one.open();
    await opened.send(BODY);
    expect(one.peer.mails).toMatchObject([{ user: 'hub' }]);
    expect(opened.events).toContainEqual({
      level: 'info',
      name: 'sign-in',
      text: expect.stringMatching(
        /signed in with LOGIN \(offered: PLAIN, LOGIN; refused before: PLAIN \(504 5\.5\.4/,
      ),
    });
  });

  test('that is not offered for the kind of credential ends with what would do', async () => {
    await using one = await lab({ mechanisms: ['PLAIN', 'LOGIN'] });
    await expect(one.open({}, tokens('x'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(
        /offers PLAIN, LOGIN, none of which works with a credential of kind oauth2 \(OAUTHBEARER, XOAUTH2\)/,
      ),
    });
    expect(one.peer.signIns).toEqual([]);
  });

  test('is tried again later when the server cannot check it now', async () => {
    await using one = await lab({
      more: {
        onAuth(_auth, _session, done) {
          done(Object.assign(new Error('4.7.0 try later'), { responseCode: 454 }));
        },
      },
    });
    await expect(one.open()).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/cannot check the sign-in now: 454 4\.7\.0/),
    });
  });
});

describe('a token', () => {
  test('that is refused is renewed once', async () => {
    await using one = await lab();
    const credential = tokens('expired', 'pw-of-hub');
    await using opened = await one.open({}, credential);
    await opened.send(BODY);
    expect(credential.asked).toEqual([false, true]);
    expect(one.peer.signIns.map(({ secret }) => secret)).toEqual(['expired', 'pw-of-hub']);
  });

  test('that is refused twice stops the operation, and is quoted nowhere', async () => {
    await using one = await lab();
    const credential = tokens('expired-token', 'wrong-token', 'third-token');
    await using opened = await one.open({}, credential);
    expect(credential.asked).toEqual([false, true]);
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
    expect(JSON.stringify([opened.events, opened.states, opened.log])).not.toMatch(/-token/);
  });

  test('is for the mailbox of the settings where the credential names none', async () => {
    await using one = await lab();
    const { user: _, ...credential } = tokens('pw-of-hub');
    await using opened = await one.open({ mailbox: 'hub' }, credential);
    await opened.send(BODY);
    expect(one.peer.signIns).toMatchObject([{ method: 'XOAUTH2', user: 'hub' }]);
  });

  test('without any mailbox is not sent', async () => {
    await using one = await lab();
    const { user: _, ...credential } = tokens('pw-of-hub');
    await using opened = await one.open({}, credential);
    await expect(opened.send(BODY)).rejects.toThrow(/needs the name of the mailbox it is for/);
    expect(one.peer.signIns).toEqual([]);
  });
});

describe('the server is who it should be, or gets nothing', () => {
  test.for(['starttls', 'tls'] as const)(
    'with %s: an authority that is not trusted',
    async (security) => {
      await using one = await lab({ security });
      await expect(one.open({ security, tls: {} })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/signed by an authority that is not trusted here/),
      });
      expect(one.peer.signIns).toEqual([]);
    },
  );

  test.for(['starttls', 'tls'] as const)(
    'with %s: a certificate for another name',
    async (security) => {
      await using one = await lab({ security });
      const tls = { trust: one.files.trust, serverName: 'smtp.other.example' };
      await expect(one.open({ security, tls })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/is for other names/),
      });
      expect(one.peer.signIns).toEqual([]);
    },
  );

  test('a port with TLS from the start, spoken to in plain text, is named as such', async () => {
    await using one = await lab({ security: 'tls' });
    await expect(one.open({ connectTimeout: '300ms' })).rejects.toThrow(
      /did not greet\. It may speak TLS from the start \(port 465\): use security tls/,
    );
  });

  test('a port without TLS from the start, spoken to in TLS, is named as such', async () => {
    await using one = await lab();
    await expect(one.open({ security: 'tls' })).rejects.toThrow(
      /answers in plain text and not with TLS\. .*set security: starttls/,
    );
  });
});
