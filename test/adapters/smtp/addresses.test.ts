import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import { bareSmtp } from '../../support/bare-smtp.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { type SmtpPeer, type SmtpPeerOptions, smtpPeer } from '../../support/smtp-peer.ts';

const given = (server: { readonly port: number }, more: object) => ({
  connect: `127.0.0.1:${server.port}`,
  security: 'none',
  from: 'hub@hospital.example',
  ...more,
});

const peer = (more: SmtpPeerOptions['more'] = {}): Promise<SmtpPeer> =>
  smtpPeer({ security: 'none', more });

const BODY = Buffer.from('x');

test('a domain with umlauts is handed over in the form of the DNS', async () => {
  await using server = await bareSmtp();
  await using opened = await openOutbound(
    smtpOut,
    given(server, {
      from: 'Süd <hub@klinik-süd.example>',
      to: 'ward@klinik-süd.example',
      envelopeFrom: 'bounces@klinik-süd.example',
    }),
  );
  await opened.send(BODY);
  expect(server.commands).toEqual(
    expect.arrayContaining([
      'MAIL FROM:<bounces@xn--klinik-sd-x9a.example>',
      'RCPT TO:<ward@xn--klinik-sd-x9a.example>',
    ]),
  );
  expect(String(server.mails[0])).toMatch(/^To: ward@xn--klinik-sd-x9a\.example\r$/m);
});

test('letters before the @ go to a server that takes them', async () => {
  await using server = await peer();
  await using opened = await openOutbound(smtpOut, given(server, { to: 'ärztin@ward.example' }));
  await opened.send(BODY);
  expect(server.mails).toMatchObject([{ to: ['ärztin@ward.example'] }]);
  const { to } = await simpleParser(server.mails[0]?.raw ?? '');
  expect(to).toMatchObject({ value: [{ address: 'ärztin@ward.example' }] });
});

test('letters before the @ that the server does not take are told before anything is sent', async () => {
  await using server = await peer({ hideSMTPUTF8: true });
  await using opened = await openOutbound(smtpOut, given(server, { to: 'ärztin@ward.example' }));
  await expect(opened.send(BODY)).rejects.toMatchObject({
    code: 'ADAPTER_SUSPEND',
    message: expect.stringMatching(/offers no SMTPUTF8/),
  });
  expect(server.mails).toEqual([]);
});

test.for(['x> <y@z.example', 'a@b.example, c@d.example'])(
  'an envelope sender that is not one address (%j) is kept for a person',
  async (name) => {
    await using server = await peer();
    await using opened = await openOutbound(
      smtpOut,
      given(server, { to: 'a@ward.example', envelopeFrom: '{name}' }),
    );
    await expect(opened.send(BODY, { name })).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    expect(server.mails).toEqual([]);
  },
);
