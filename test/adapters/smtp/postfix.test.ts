import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { hasMailServers, type MailServer, mailServer, USERS } from '../../support/mail-server.ts';
import { openOutbound, streamedBody, testSteps } from '../../support/open-adapter.ts';

const BODY = Buffer.from(
  'MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||7^^^H||MÜLLER\r',
  'latin1',
);

const ALICE = 'alice@lab.example';
const BOB = 'bob@lab.example';

describe.runIf(await hasMailServers())('with Postfix and Dovecot', () => {
  let server: MailServer;
  beforeAll(async () => {
    server = await mailServer({
      sizeLimit: 200_000,
      refusals: { 'full@lab.example': '452 4.2.2 mailbox full' },
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const given = (more: Record<string, unknown> = {}) => ({
    connect: `localhost:${server.ports.submission}`,
    tls: { trust: server.trust },
    credential: 'mailer',
    from: `Alice <${ALICE}>`,
    to: BOB,
    ...more,
  });
  const password: Credential = { kind: 'basic', user: ALICE, password: USERS[ALICE] };
  const token = (lifetimes: readonly number[] = [600]): Credential => {
    let at = 0;
    return {
      kind: 'oauth2',
      user: ALICE,
      token: async (_signal, { fresh = false } = {}) => {
        if (fresh) at += 1;
        return server.token(ALICE, lifetimes[at] ?? -600);
      },
    };
  };
  const sent = async (
    settings: Record<string, unknown>,
    mailer: Credential = password,
    body: Parameters<Awaited<ReturnType<typeof openOutbound>>['send']>[0] = BODY,
  ) => {
    await using opened = await openOutbound(smtpOut, settings, { credentials: { mailer } });
    return { reply: await opened.send(body), state: opened.states.at(-1) };
  };

  test('a message arrives in the mailbox with the exact bytes of its body', async () => {
    const { reply } = await sent(given({ text: 'Guten Tag', subject: 'Befund {id} ü' }));
    expect(reply).toMatchObject({
      code: '250',
      text: expect.stringMatching(/^250 2\.0\.0 Ok: queued as /),
    });
    const parsed = await vi.waitFor(async () => {
      const [raw] = await server.mails(BOB);
      if (raw === undefined) throw new Error('not there yet');
      return simpleParser(raw);
    });
    expect(parsed.subject).toBe('Befund 7000001 ü');
    expect(parsed.attachments[0]?.content.equals(BODY)).toBe(true);
  });

  test.for([
    { mechanism: 'auto', kind: 'basic', used: 'PLAIN' },
    { mechanism: 'LOGIN', kind: 'basic', used: 'LOGIN' },
    { mechanism: 'auto', kind: 'oauth2', used: 'OAUTHBEARER' },
    { mechanism: 'XOAUTH2', kind: 'oauth2', used: 'XOAUTH2' },
  ])('$mechanism with $kind signs in with $used', async ({ mechanism, kind, used }) => {
    const credential = kind === 'basic' ? password : token();
    const { reply, state } = await sent(given({ mechanism }), credential);
    expect(reply).toMatchObject({ code: '250' });
    expect(state?.detail).toContain(
      `signed in with ${used} (offered: PLAIN, LOGIN, XOAUTH2, OAUTHBEARER)`,
    );
  });

  test.for(['XOAUTH2', 'OAUTHBEARER'])(
    'an expired token of %s is renewed once',
    async (mechanism) => {
      const { reply } = await sent(given({ mechanism }), token([-600, 600]));
      expect(reply).toMatchObject({ code: '250' });
      await expect(sent(given({ mechanism }), token([-600, -600]))).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringContaining(`${mechanism} (535 5.7.8`),
      });
    },
  );

  test('TLS from the start works on the port for it', async () => {
    const settings = given({ connect: `localhost:${server.ports.submissions}`, security: 'tls' });
    expect((await sent(settings)).reply).toMatchObject({ code: '250' });
    expect(await testSteps(smtpOut, settings, { credentials: { mailer: password } })).toMatchObject(
      ['name', 'TCP', 'TLS', 'greeting', 'sign-in', 'permission'].map((name) => ({
        name,
        result: 'passed',
      })),
    );
  });

  test('a relay that trusts the network takes mail without a sign-in, and none that has one', async () => {
    const relay = { connect: `localhost:${server.ports.relay}`, security: 'starttls' };
    const { credential: _, ...open } = given({ ...relay, security: 'none' });
    expect((await sent(open)).reply).toMatchObject({ code: '250' });
    await expect(sent(given(relay))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/does not offer encryption \(502 5\.5\.1 to STARTTLS\)/),
    });
  });

  test('a wrong password stops the operation', async () => {
    const wrong: Credential = { kind: 'basic', user: ALICE, password: 'wrong' };
    await expect(sent(given(), wrong)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(
        /PLAIN \(535 5\.7\.8: user, password or token is not accepted\)/,
      ),
    });
  });

  test.for([
    {
      to: 'nobody@lab.example',
      code: 'ADAPTER_REJECTED',
      says: /550 5\.1\.1 to RCPT TO: the mailbox does not exist/,
    },
    {
      to: 'full@lab.example',
      code: 'ADAPTER_TEMPORARY',
      says: /452 4\.2\.2 to RCPT TO: the mailbox is full/,
    },
  ])('a mail to $to is $code', async ({ to, code, says }) => {
    await expect(sent(given({ to }))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  });

  test('a relay that does not relay for us has refused for good', async () => {
    const { credential: _, ...open } = given({
      connect: `localhost:${server.ports.relay}`,
      security: 'none',
      to: 'somebody@elsewhere.example',
    });
    await expect(sent(open)).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringMatching(/554 5\.7\.1 to RCPT TO: the server does not relay for us/),
    });
  });

  test('a mail above the limit of the server is refused before it is sent', async () => {
    const large = streamedBody(Buffer.alloc(200_000, 'x'));
    await expect(sent(given(), password, large)).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringMatching(
        /^The mail has 2\d\d(\.\d)? KB, but .* accepts only 195\.3 KB\./,
      ),
    });
  });

  test('a message that is sent again is recognised by its Message-ID', async () => {
    const settings = given({ to: ALICE });
    await sent(settings);
    await sent(settings);
    await vi.waitFor(async () => {
      const raw = await server.mails(ALICE);
      const ids = await Promise.all(raw.map(async (one) => (await simpleParser(one)).messageId));
      expect(ids).toEqual(['<waybill.7000001@lab.example>', '<waybill.7000001@lab.example>']);
    });
  });
});
