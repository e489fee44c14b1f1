import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { anotherLook, delivered, type ImapLab, imapLab } from '../../support/imap-lab.ts';
import { hasMailServers } from '../../support/mail-server.ts';
import { mailWith } from '../../support/mailbox.ts';
import { smime } from '../../support/smime.ts';
import { tnef } from '../../support/tnef.ts';

const HL7 = Buffer.from('MSH|^~\\&|LAB|X|Y|Z|20260101||ORU^R01|1|P|2.5.1\rOBX|1||Ä\r', 'latin1');

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let lab: ImapLab;
  beforeAll(async () => {
    lab = await imapLab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  describe('what becomes a message', () => {
    test('mail: the whole mail to the byte', async () => {
      await using box = await lab.box();
      const raw = await mailWith({
        subject: 'Befund Ä',
        text: 'hello',
        attachments: [{ filename: 'a.hl7', content: HL7 }],
      });
      await box.put(raw);
      await using opened = await lab.open(box, { take: 'mail' });
      await delivered(opened, 1);
      expect(opened.delivered[0]).toMatchObject({ type: 'message/rfc822', name: 'Befund Ä' });
      expect(opened.delivered[0]?.body.equals(raw)).toBe(true);
    });

    test('attachments: one each, with type and name; embedded pictures are left out', async () => {
      await using box = await lab.box();
      await box.put(
        await mailWith({
          html: '<img src="cid:logo">',
          attachments: [
            { filename: 'Befund Ä.hl7', content: HL7, contentType: 'application/octet-stream' },
            { filename: 'b.csv', content: 'a;b', contentType: 'text/csv' },
            { filename: 'logo.png', content: 'png', cid: 'logo', contentType: 'image/png' },
          ],
        }),
      );
      await using opened = await lab.open(box);
      await delivered(opened, 2);
      await anotherLook(box, opened);
      const found = opened.delivered.map(({ type, name, body }) => ({
        type,
        name,
        text: body.toString('latin1'),
      }));
      expect(found).toEqual([
        { type: 'HL7v2:ORU_R01:2.5.1', name: 'Befund Ä.hl7', text: HL7.toString('latin1') },
        { type: 'text/csv', name: 'b.csv', text: 'a;b' },
        { type: 'text/plain', name: 'last.txt', text: 'x' },
      ]);
    });

    test('attachments: only those that fit the pattern', async () => {
      await using box = await lab.box();
      await box.put(
        await mailWith({
          attachments: [
            { filename: 'read.me', content: 'no' },
            { filename: 'a.hl7', content: HL7 },
          ],
        }),
      );
      await using opened = await lab.open(box, { pattern: '*.hl7' });
      await delivered(opened, 1);
      expect(opened.delivered[0]?.name).toBe('a.hl7');
    });

    test.for([
      ['attachments', HL7.toString('latin1')],
      ['text', expect.stringMatching(/^words\s*$/)],
      ['parts', expect.stringMatching(/"text":"words.*"name":"a.hl7",.*"content":"TVNI/)],
    ] as const)('signed, %s: as if it were not', async ([take, body]) => {
      const attachments = [{ filename: 'a.hl7', content: HL7 }];
      const raw = await smime(await mailWith({ text: 'words', attachments }), 'streamed');
      await using box = await lab.box();
      await box.put(raw);
      await using opened = await lab.open(box, { take, pattern: '*.hl7' });
      await delivered(opened, 1);
      expect(opened.delivered[0]?.body.toString('latin1')).toEqual(body);
    });

    test('winmail.dat and forwarded mails are opened; what is encrypted is told', async () => {
      await using box = await lab.box();
      const letter = await mailWith({ attachments: [{ filename: 'a.hl7', content: HL7 }] });
      await box.put(
        await mailWith({
          attachments: [
            { contentType: 'message/rfc822', content: letter },
            {
              filename: 'winmail.dat',
              contentType: 'application/ms-tnef',
              content: tnef([{ name: 'b.csv', content: Buffer.from('a;b') }]),
            },
          ],
        }),
      );
      await box.put(await smime(letter, 'encrypted'));
      await using opened = await lab.open(box);
      await delivered(opened, 3);
      expect(opened.delivered.map(({ name, type }) => [name, type])).toEqual([
        ['a.hl7', 'HL7v2:ORU_R01:2.5.1'],
        ['b.csv', 'text/csv'],
        ['smime.p7m', expect.stringMatching(/pkcs7-mime$/)],
      ]);
      expect(opened.events.map(({ name, text }) => `${name}: ${text}`)).toContainEqual(
        expect.stringMatching(
          /^mail-not-opened: The mail with UID 2 contains a part that was not opened: an attachment is encrypted \(S\/MIME\)/,
        ),
      );
    });

    test('a mail without an attachment is taken whole, so that nothing is lost', async () => {
      await using box = await lab.box();
      const raw = await mailWith({ text: 'only words' });
      await box.put(raw);
      await using opened = await lab.open(box);
      await delivered(opened, 1);
      expect(opened.delivered[0]?.type).toBe('message/rfc822');
      expect(opened.delivered[0]?.body.equals(raw)).toBe(true);
    });

    test('or is put away with an event, if that is wanted', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ text: 'only words' }));
      await using opened = await lab.open(box, { withoutAttachment: 'skip' });
      await vi.waitFor(async () => expect(await box.look(`${box.folder}-taken`)).toHaveLength(1));
      expect(opened.events.filter(({ name }) => name === 'mail-skipped')).toHaveLength(1);
      expect(opened.delivered).toEqual([]);
    });

    test('text: the words of the mail', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ subject: 'S', text: 'Guten Tag, Ä' }));
      await using opened = await lab.open(box, { take: 'text' });
      await delivered(opened, 1);
      expect(opened.delivered[0]).toMatchObject({
        type: 'text/plain',
        charset: 'utf-8',
        name: 'S',
      });
      expect(opened.delivered[0]?.body.toString()).toContain('Guten Tag, Ä');
    });

    test('parts: one document with everything', async () => {
      await using box = await lab.box();
      await box.put(
        await mailWith({
          messageId: '<m1@lab.example>',
          from: 'Labor Süd <lab@lab.example>',
          text: 'hello',
          html: '<b>hello</b>',
          attachments: [{ filename: 'a.hl7', content: HL7 }],
        }),
      );
      await using opened = await lab.open(box, { take: 'parts' });
      await delivered(opened, 1);
      expect(opened.delivered[0]?.type).toBe('application/json');
      expect(JSON.parse(opened.delivered[0]?.body.toString() ?? '')).toEqual({
        messageId: '<m1@lab.example>',
        date: '2026-01-01T00:00:00.000Z',
        from: [{ name: 'Labor Süd', address: 'lab@lab.example' }],
        to: [{ name: '', address: 'results@hospital.example' }],
        cc: [],
        subject: 'Befund',
        text: 'hello',
        html: '<b>hello</b>',
        attachments: [
          {
            name: 'a.hl7',
            type: expect.any(String),
            size: HL7.length,
            content: HL7.toString('base64'),
          },
        ],
      });
    });

    test('a large attachment is handed over as a stream, whole', async () => {
      await using box = await lab.box();
      const large = Buffer.alloc(6_000_000, 'abcdefghij');
      await box.put(
        await mailWith({
          attachments: [
            { filename: 'large.bin', content: large },
            { filename: 'small.txt', content: 'small' },
          ],
        }),
      );
      await using opened = await lab.open(box);
      await delivered(opened, 2);
      expect(opened.delivered[0]?.body.equals(large)).toBe(true);
      expect(opened.delivered[1]?.body.toString()).toBe('small');
    });
  });
});
