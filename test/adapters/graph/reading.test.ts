import { describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../../src/adapter/index.ts';
import { type GraphLab, graphLab, HUB } from '../../support/graph-lab.ts';
import { mailWith } from '../../support/mailbox.ts';
import { delivered, moreLooks, openReading, receive, texts } from '../../support/open-graph-in.ts';
import { smime } from '../../support/smime.ts';
import { tnef } from '../../support/tnef.ts';

const HL7 = Buffer.from('MSH|^~\\&|LAB|X|Y|Z|20260101||ORU^R01|1|P|2.5.1\rOBX|1||Ä\r', 'latin1');
const inbox = (lab: GraphLab) => lab.graph.mailbox(HUB).messages('inbox');
/** The mails of a top folder by its name. */
function named(lab: GraphLab, name: string) {
  const box = lab.graph.mailbox(HUB);
  const found = box.foldersBelow('msgfolderroot').find(({ displayName }) => displayName === name);
  return found === undefined ? [] : box.messages(found.id);
}

describe('what becomes of a taken mail', () => {
  test.for([
    { afterwards: 'seen', here: [{ isRead: true }], there: 0 },
    { afterwards: 'flag', here: [{ categories: ['Waybill'], isRead: false }], there: 0 },
    { afterwards: 'archive', here: [], there: 1 },
    { afterwards: 'delete', here: [], there: 0 },
    { afterwards: 'keep', here: [{ isRead: false, categories: [] }], there: 0 },
  ])('$afterwards: it is not taken twice', async ({ afterwards, here, there }) => {
    await using lab = await graphLab();
    await receive(lab, { text: 'a' });
    await using opened = await openReading(lab, { afterwards, take: 'text' });
    await delivered(opened, 1);
    await vi.waitFor(() => {
      expect(inbox(lab)).toMatchObject(here);
      expect(named(lab, 'Waybill')).toHaveLength(there);
    });
    await moreLooks(lab);
    await receive(lab, { text: 'b' });
    await delivered(opened, 2);
    expect(texts(opened)).toEqual(['a', 'b']);
  });

  test('keep: also not when somebody reads it, or marks it as unread', async () => {
    await using lab = await graphLab({ roles: ['Mail.Read'] });
    await receive(lab, { text: 'a' });
    await using opened = await openReading(lab, { afterwards: 'keep', take: 'text' });
    await delivered(opened, 1);
    for (const isRead of [true, false]) {
      const [mail] = inbox(lab);
      if (mail !== undefined) lab.graph.mailbox(HUB).change(mail, { isRead });
      await moreLooks(lab);
    }
    expect(opened.delivered).toHaveLength(1);
  });
});

describe('what becomes a message', () => {
  test('mail: the whole mail to the byte', async () => {
    await using lab = await graphLab();
    await receive(lab, {
      subject: 'Befund Ä',
      text: 'hello',
      attachments: [{ filename: 'a.hl7', content: HL7 }],
    });
    const [mail] = inbox(lab);
    await using opened = await openReading(lab, { take: 'mail' });
    await delivered(opened, 1);
    expect(opened.delivered[0]).toMatchObject({ type: 'message/rfc822', name: 'Befund Ä' });
    expect(opened.delivered[0]?.body.equals(mail?.mime ?? Buffer.alloc(0))).toBe(true);
  });

  test('attachments: one each; embedded pictures are left out', async () => {
    await using lab = await graphLab();
    await receive(lab, {
      html: '<img src="cid:logo">',
      attachments: [
        { filename: 'Befund Ä.hl7', content: HL7, contentType: 'application/octet-stream' },
        { filename: 'b.csv', content: 'a;b', contentType: 'text/csv' },
        { filename: 'logo.png', content: 'png', cid: 'logo', contentType: 'image/png' },
      ],
    });
    await using opened = await openReading(lab);
    await delivered(opened, 2);
    await moreLooks(lab);
    expect(
      opened.delivered.map(({ type, name, body }) => ({
        type,
        name,
        text: body.toString('latin1'),
      })),
    ).toEqual([
      { type: 'HL7v2:ORU_R01:2.5.1', name: 'Befund Ä.hl7', text: HL7.toString('latin1') },
      { type: 'text/csv', name: 'b.csv', text: 'a;b' },
    ]);
  });

  test('winmail.dat, forwarded and signed mails are opened, also in parts and text; what is encrypted is told', async () => {
    const letter = await mailWith({
      text: 'words',
      attachments: [{ filename: 'a.hl7', content: HL7 }],
    });
    await using lab = await graphLab();
    await receive(lab, {
      text: 'below',
      attachments: [
        {
          filename: 'forwarded',
          contentType: 'message/rfc822',
          contentDisposition: 'attachment',
          content: letter,
        },
        {
          filename: 'winmail.dat',
          contentType: 'application/ms-tnef',
          content: tnef([{ name: 'b.csv', content: Buffer.from('a;b') }]),
        },
      ],
    });
    await lab.graph.receive(HUB, await smime(letter, 'opaque'));
    await lab.graph.receive(HUB, await smime(letter, 'encrypted'));
    const afterwards = { afterwards: 'keep' };
    const files = await openReading(lab, afterwards);
    await delivered(files, 4);
    expect(files.delivered.map(({ name }) => name)).toEqual([
      'a.hl7',
      'b.csv',
      'a.hl7',
      'smime.p7m',
    ]);
    expect(files.events.filter(({ name }) => name === 'mail-not-opened')).toMatchObject([
      { text: expect.stringContaining('an attachment is encrypted (S/MIME)') },
    ]);
    await files.close();
    const parts = await openReading(lab, { ...afterwards, take: 'parts' });
    await delivered(parts, 3);
    const [, signed] = texts(parts);
    expect(JSON.parse(signed ?? '')).toMatchObject({
      text: expect.stringContaining('words'),
      attachments: [{ name: 'a.hl7', content: HL7.toString('base64') }],
    });
    await parts.close();
    await using words = await openReading(lab, { ...afterwards, take: 'text' });
    await delivered(words, 3);
    expect(texts(words)).toEqual(['below', 'words', '']);
  });

  test('a mail without a fitting attachment is taken whole, or put away with an event', async () => {
    await using lab = await graphLab();
    await receive(lab, { text: 'words', attachments: [{ filename: 'read.me', content: 'x' }] });
    const first = await openReading(lab, { pattern: '*.hl7', afterwards: 'keep' });
    await delivered(first, 1);
    expect(first.delivered[0]?.type).toBe('message/rfc822');
    await first.close();
    await using second = await openReading(lab, { pattern: '*.hl7', withoutAttachment: 'skip' });
    await vi.waitFor(() => expect(named(lab, 'Waybill')).toHaveLength(1));
    expect(second.events.map(({ name }) => name)).toContain('mail-skipped');
    expect(second.delivered).toEqual([]);
  });

  test('parts: one document with everything', async () => {
    await using lab = await graphLab();
    await receive(lab, {
      messageId: '<m1@lab.example>',
      from: 'Labor Süd <lab@lab.example>',
      html: '<b>hello</b>',
      attachments: [{ filename: 'a.hl7', content: HL7 }],
    });
    await using opened = await openReading(lab, { take: 'parts' });
    await delivered(opened, 1);
    expect(JSON.parse(opened.delivered[0]?.body.toString() ?? '')).toEqual({
      messageId: '<m1@lab.example>',
      date: expect.stringMatching(/^20\d\d-/),
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
    await using lab = await graphLab();
    const large = Buffer.alloc(6_000_000, 'abcdefghij');
    await receive(lab, { attachments: [{ filename: 'large.bin', content: large }] });
    await using opened = await openReading(lab);
    await delivered(opened, 1);
    expect(opened.delivered[0]?.body.equals(large)).toBe(true);
  });
});

describe('which mails are taken', () => {
  test('all that wait, the oldest first, over as many pages as there are', async () => {
    await using lab = await graphLab();
    for (let n = 1; n <= 120; n++) await receive(lab, { text: `mail ${n}` });
    await using opened = await openReading(lab, { take: 'text', afterwards: 'keep' });
    await delivered(opened, 120);
    expect(texts(opened)).toEqual(Array.from({ length: 120 }, (_, n) => `mail ${n + 1}`));
    const pages = lab.graph.requests.filter(({ query }) => query.includes('skiptoken'));
    expect(pages.length).toBeGreaterThan(1);
  });

  test('those whose sender and subject fit; the others are left alone', async () => {
    await using lab = await graphLab();
    await receive(lab, { from: 'spam@else.example', subject: 'Befund 1', text: 'a' });
    await receive(lab, { subject: 'Rechnung', text: 'b' });
    await receive(lab, { from: 'Labor <LAB@lab.example>', subject: 'Ihr BEFUND 2', text: 'c' });
    await using opened = await openReading(lab, {
      from: '@lab.example',
      subject: 'befund',
      take: 'text',
    });
    await delivered(opened, 1);
    await vi.waitFor(() => expect(inbox(lab)).toHaveLength(2));
    expect(texts(opened)).toEqual(['c']);
  });

  test.for(['mail', 'attachments', 'parts'])(
    'not one above the limit, as %s: it stays and is told of once',
    async (take) => {
      await using lab = await graphLab();
      await receive(lab, {
        attachments: [{ filename: 'l.bin', content: Buffer.alloc(700_000, 'x') }],
      });
      await receive(lab, { attachments: [{ filename: 's.bin', content: 'small' }] });
      await using opened = await openReading(lab, { limit: '500KB', take });
      await delivered(opened, 1);
      await moreLooks(lab);
      expect(opened.events.filter(({ level }) => level === 'error')).toMatchObject([
        {
          name: 'mail-refused',
          text: expect.stringMatching(
            /is not taken and stays where it is: it is larger than the limit/,
          ),
        },
      ]);
      expect(inbox(lab)).toHaveLength(1);
      expect(opened.lost).toEqual([]);
    },
  );

  test('one that the engine refuses for good goes to the folder for it', async () => {
    await using lab = await graphLab();
    await receive(lab, { text: 'x' });
    await using opened = await openReading(lab, { failed: 'Failed', take: 'text' });
    opened.refuse(new EngineError('MESSAGE_TOO_LARGE', 'too large for this production'));
    await vi.waitFor(() => expect(named(lab, 'Failed')).toHaveLength(1));
    expect(named(lab, 'Waybill')).toEqual([]);
  });

  test('those of a folder that is named by its path', async () => {
    await using lab = await graphLab();
    const box = lab.graph.mailbox(HUB);
    const labFolder = box.addFolder('inbox', "Lab's");
    await receive(lab, { text: 'in the inbox' });
    await receive(lab, { text: 'in the folder' });
    const [, second] = inbox(lab);
    if (second !== undefined) box.move(second, labFolder.id);
    await using opened = await openReading(lab, { folder: "inbox/Lab's", take: 'text' });
    await delivered(opened, 1);
    expect(texts(opened)).toEqual(['in the folder']);
  });
});
