import { describe, expect, test } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { type SmtpPeer, smtpPeer } from '../../support/smtp-peer.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');

const given = (peer: SmtpPeer, more: Record<string, unknown> = {}) => ({
  connect: `127.0.0.1:${peer.port}`,
  security: 'none',
  from: 'hub@hospital.example',
  to: ['a@ward.example', 'b@ward.example'],
  bcc: 'c@ward.example',
  ...more,
});

describe.for([true, false])('with pipelining: %s', (pipelining) => {
  const peers = () => smtpPeer({ security: 'none', more: { hidePIPELINING: !pipelining } });

  test.for([
    { refusedRecipients: 'suspend', code: 'ADAPTER_SUSPEND' },
    { refusedRecipients: 'reject', code: 'ADAPTER_REJECTED' },
  ])(
    '$refusedRecipients lets nobody have a mail that not all may have',
    async ({ code, ...setting }) => {
      await using peer = await peers();
      peer.refusals.set('b@ward.example', 550);
      await using opened = await openOutbound(smtpOut, given(peer, setting));
      const error: unknown = await opened.send(BODY).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code,
        message: expect.stringMatching(
          /^1 of 3 recipients were refused \(550 5\.1\.1: the mailbox/,
        ),
        detail: expect.stringMatching(/b@ward\.example: 550 5\.1\.1/),
      });
      expect((error as Error).message).not.toContain('@');
      peer.refusals.clear();
      await opened.send(BODY, { id: 7 });
      expect(peer.mails.map(({ to }) => to)).toEqual([
        ['a@ward.example', 'b@ward.example', 'c@ward.example'],
      ]);
    },
  );

  test('a recipient who is to wait makes all wait, so that all get it together', async () => {
    await using peer = await peers();
    peer.refusals.set('b@ward.example', 450);
    await using opened = await openOutbound(smtpOut, given(peer));
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    expect(peer.mails).toEqual([]);
  });

  test('continue serves the others, and the outcome tells of the one refused', async () => {
    await using peer = await peers();
    peer.refusals.set('b@ward.example', 550);
    await using opened = await openOutbound(
      smtpOut,
      given(peer, { refusedRecipients: 'continue' }),
    );
    expect(await opened.send(BODY)).toMatchObject({
      code: 'partial',
      text: expect.stringMatching(/^250 .*; refused: b@ward\.example: 550/),
    });
    expect(peer.mails).toMatchObject([{ to: ['a@ward.example', 'c@ward.example'] }]);
    expect(smtpOut.replies).toEqual({ partial: 'warn' });
  });

  test('continue tries again for the one who is to wait, and for that one only', async () => {
    await using peer = await peers();
    peer.refusals.set('b@ward.example', 452);
    await using opened = await openOutbound(
      smtpOut,
      given(peer, { refusedRecipients: 'continue' }),
    );
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/^Delivered to some; 1 of 3 recipients must wait/),
    });
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    peer.refusals.clear();
    expect(await opened.send(BODY)).toMatchObject({ code: '250' });
    expect(peer.mails.map(({ to }) => to)).toEqual([
      ['a@ward.example', 'c@ward.example'],
      ['b@ward.example'],
    ]);
  });
});

test('nobody taken for good is a rejection whatever the policy', async () => {
  await using peer = await smtpPeer({ security: 'none' });
  peer.refusals.set('*', 550);
  for (const refusedRecipients of ['continue', 'suspend', 'reject']) {
    await using opened = await openOutbound(smtpOut, given(peer, { refusedRecipients }));
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
  }
});

test('an address that is named twice is served once', async () => {
  await using peer = await smtpPeer({ security: 'none' });
  await using opened = await openOutbound(
    smtpOut,
    given(peer, { to: 'a@ward.example, A <a@ward.example>', bcc: 'a@ward.example' }),
  );
  await opened.send(BODY);
  expect(peer.mails).toMatchObject([{ to: ['a@ward.example'] }]);
});
