import { generateKeyPairSync } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { type Mail, mail } from '../../../adapters/smtp/mail.ts';
import { inlineBody } from '../../../src/message/body.ts';
import type { Letter } from '../../../src/peer/index.ts';
import { isVerified } from '../../support/dkim.ts';
import { messageOf, streamedBody } from '../../support/open-adapter.ts';

const BYTES = Buffer.from('MSH|^~\\&|A|B\rPID|1||7^^^H\r\u00e4\r', 'latin1');

const letterWith = (more: Partial<Letter> = {}): Letter => ({
  from: { name: 'Aufnahme Süd', address: 'hub@hospital.example' },
  to: [{ name: '', address: 'a@ward.example' }],
  cc: [],
  bcc: [],
  subject: 'Befund Müller',
  ...more,
});

const attachment = (bytes: Uint8Array, streamed = false) => ({
  attachment: {
    name: 'Befund Ä.hl7',
    type: 'x-application/hl7-v2+er7; charset=latin1',
    body: streamed ? streamedBody(bytes) : inlineBody(bytes),
  },
});

const written = (one: Mail): Promise<Buffer> => buffer(one.content(() => undefined));

describe('a mail', () => {
  test('carries texts, names and the exact bytes of the body', async () => {
    const one = mail(
      letterWith({ text: 'Guten Tag, Ärztin', html: '<b>Ä</b>', ...attachment(BYTES) }),
      messageOf(BYTES),
      undefined,
    );
    const parsed = await simpleParser(await written(one));
    expect(parsed).toMatchObject({
      subject: 'Befund Müller',
      from: { text: '"Aufnahme Süd" <hub@hospital.example>' },
      html: '<b>Ä</b>',
    });
    expect(parsed.text).toContain('Guten Tag, Ärztin');
    expect(parsed.attachments).toMatchObject([
      { filename: 'Befund Ä.hl7', contentType: 'x-application/hl7-v2+er7' },
    ]);
    expect(parsed.attachments[0]?.content.equals(BYTES)).toBe(true);
  });

  test.for([false, true])(
    'is the same to the byte each time it is sent (streamed: %s)',
    async (streamed) => {
      const make = () =>
        mail(
          letterWith({ text: 'a', html: '<b>b</b>', ...attachment(BYTES, streamed) }),
          messageOf(BYTES),
          undefined,
        );
      const one = make();
      const first = await written(one);
      expect((await written(one)).equals(first)).toBe(true);
      expect((await written(make())).equals(first)).toBe(true);
      expect(first.toString()).toMatch(/^Message-ID: <waybill\.7000001@hospital\.example>\r$/m);
    },
  );

  test('of a message that a person resent is another one', async () => {
    const resent = mail(letterWith(), messageOf(BYTES, { id: 8, resendOf: 7 }), undefined);
    expect((await written(resent)).toString()).toContain('Message-ID: <waybill.8@');
  });

  test('says that a machine wrote it, so that nobody answers by machine', async () => {
    const one = mail(letterWith({ text: 'x' }), messageOf(BYTES), undefined);
    expect((await written(one)).toString()).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  });

  test('names blind copies to the server and to nobody else', async () => {
    const bcc = [{ name: '', address: 'secret@ward.example' }];
    const one = mail(letterWith({ bcc, text: 'x' }), messageOf(BYTES), undefined);
    expect(one.recipients).toEqual(['a@ward.example', 'secret@ward.example']);
    expect((await written(one)).toString()).not.toContain('secret@');
  });

  test('reads no file and no address that its texts name', async () => {
    const html = '<img src="file:///etc/hostname"><img src="http://127.0.0.1:9/x.png">';
    const one = mail(letterWith({ html, text: 'x' }), messageOf(BYTES), undefined);
    const parsed = await simpleParser(await written(one));
    expect(parsed.html).toBe(html);
    expect(parsed.attachments).toEqual([]);
  });

  test.for([
    { bytes: 1_000, streamed: false },
    { bytes: 3_000_001, streamed: true },
  ])('of $bytes bytes is a little larger than it says', async ({ bytes, streamed }) => {
    const one = mail(
      letterWith({ text: 'ä'.repeat(500), ...attachment(Buffer.alloc(bytes, 'x'), streamed) }),
      messageOf(BYTES),
      undefined,
    );
    const { length } = await written(one);
    expect(length).toBeGreaterThanOrEqual(one.size);
    expect(length).toBeLessThan(one.size + 3_000);
  });
});

describe('a DKIM signature', () => {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const signature = { domain: 'hospital.example', selector: 'w1', privateKey: keys.privateKey };

  test.for([false, true])('is verified with the public key (streamed: %s)', async (streamed) => {
    const one = mail(
      letterWith({ text: 'hello', ...attachment(BYTES, streamed) }),
      messageOf(BYTES),
      signature,
    );
    expect(isVerified(await written(one), keys.publicKey)).toBe(true);
  });

  test('does not verify a mail that was changed', async () => {
    const one = mail(letterWith({ text: 'hello' }), messageOf(BYTES), signature);
    const changed = (await written(one)).toString('latin1').replace('hello', 'hellO');
    expect(isVerified(Buffer.from(changed, 'latin1'), keys.publicKey)).toBe(false);
  });
});
