import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { mimeParts } from '../../../src/peer/mail/mime-parts.ts';
import { Opening, signedContent } from '../../../src/peer/mail/opened-parts.ts';
import { isTnef, NotOpenable, readTnef } from '../../../src/peer/mail/tnef.ts';
import { examples } from '../../support/examples.ts';
import { mailWith } from '../../support/mailbox.ts';
import { processorTime } from '../../support/processor-time.ts';
import { smime } from '../../support/smime.ts';
import { tnef } from '../../support/tnef.ts';

const PDF = Buffer.from('%PDF-1.4 letter');
const LETTER = { filename: 'letter.pdf', content: PDF, contentType: 'application/pdf' };

interface Opened {
  readonly files: readonly string[];
  readonly told: readonly string[];
  readonly text: string | undefined;
}

/** What is delivered of a mail: `name type size` of each. */
async function opened(mail: Buffer, pattern = '*', embedded = false): Promise<Opened> {
  const told: string[] = [];
  const opening = new Opening({ pattern: [pattern], embedded }, (what) => told.push(what));
  const files: string[] = [];
  for await (const part of mimeParts(Readable.from([mail]))) {
    for await (const file of opening.files(part)) {
      files.push(`${file.name} ${file.type} ${(await buffer(file.content)).length}`);
    }
  }
  return { files, told, text: opening.words?.text.trim() };
}

const forwarded = (mail: Buffer, name?: string) =>
  mailWith({
    text: 'see below',
    attachments: [
      {
        contentType: 'message/rfc822',
        content: mail,
        ...(name === undefined ? {} : { filename: name }),
      },
    ],
  });

const winmail = (content: Buffer) =>
  mailWith({
    text: ' ',
    attachments: [{ filename: 'winmail.dat', contentType: 'application/ms-tnef', content }],
  });

const LETTER_FOUND = [`letter.pdf application/pdf ${PDF.length}`];

test('a winmail.dat stands for the files in it, with their long names; its pictures are embedded', async () => {
  const mail = await winmail(
    tnef(
      [
        { name: 'Befund \u00c4.pdf', content: PDF, type: 'application/pdf' },
        { name: 'logo.png', content: PDF, type: 'image/png', contentId: 'logo' },
        { name: '..\\\\x.txt', content: Buffer.from('x') },
      ],
      { text: 'words', html: '<img src="cid:logo">' },
    ),
  );
  const files = [
    `Befund \u00c4.pdf application/pdf ${PDF.length}`,
    'x.txt application/octet-stream 1',
  ];
  expect(await opened(mail)).toEqual({ files, told: [], text: 'words' });
  expect((await opened(mail, '*.png', true)).files).toEqual([`logo.png image/png ${PDF.length}`]);
  expect((await opened(mail, 'winmail.dat')).files).toEqual([
    expect.stringMatching(/^winmail.dat application\/ms-tnef/),
  ]);
});

test('a mail within a winmail.dat is opened as well, and one without files is taken as it is', async () => {
  const inner = tnef([{ name: 'letter.pdf', content: PDF, type: 'application/pdf' }]);
  const outer = (content: Buffer) => winmail(tnef([{ name: 'FW', content, isMail: true }]));
  expect((await opened(await outer(inner))).files).toEqual(LETTER_FOUND);
  const empty = tnef([], { text: 'only words' });
  expect((await opened(await outer(empty))).files).toEqual([
    `FW application/ms-tnef ${empty.length}`,
  ]);
  expect((await opened(await winmail(empty))).files).toEqual([]);
});

test('what is in a forwarded mail is found, however deep, and by pattern', async () => {
  const inner = await mailWith({
    text: 'a',
    attachments: [LETTER, { filename: 'b.csv', content: 'b' }],
  });
  const mail = await forwarded(await forwarded(inner), 'forwarded.eml');
  expect(await opened(mail)).toEqual({
    files: [...LETTER_FOUND, 'b.csv text/csv 1'],
    told: [],
    text: undefined,
  });
  expect((await opened(mail, '*.pdf')).files).toEqual(LETTER_FOUND);
  expect((await opened(mail, '*.hl7')).files).toEqual([]);
  expect((await opened(mail, '*.eml')).files).toEqual([
    expect.stringMatching(/^forwarded.eml message\/rfc822/),
  ]);
});

test('a forwarded mail of words alone is a file, with a name or without', async () => {
  const words = await mailWith({ text: 'only words' });
  for (const name of [undefined, 'f.eml']) {
    expect((await opened(await forwarded(words, name))).files).toEqual([
      `${name ?? ''} message/rfc822 ${words.length}`,
    ]);
  }
  expect((await opened(await forwarded(words), '*.pdf')).files).toEqual([]);
});

test.for(['clear', 'opaque', 'streamed'] as const)(
  'a mail that is signed (%s) is as if it were not',
  async (wrapping) => {
    const large = Buffer.alloc(200_000, 'abcdefghij');
    const entity = await mailWith({
      text: 'signed words',
      attachments: [LETTER, { filename: 'large.bin', content: large }],
    });
    const mail = await smime(entity, wrapping);
    const files = [...LETTER_FOUND, `large.bin application/octet-stream ${large.length}`];
    const text = wrapping === 'clear' ? undefined : 'signed words';
    expect(await opened(mail)).toEqual({ files, told: [], text });
    expect((await opened(await forwarded(mail))).files).toEqual(files);
    expect((await opened(mail, '*.p7?')).files).toEqual([expect.stringMatching(/^smime.p7[sm] /)]);
    const wordsAlone = await smime(await mailWith({ text: 'words' }), wrapping);
    expect(await opened(wordsAlone)).toMatchObject({ files: [], told: [] });
  },
);

test('what Exchange makes of a mail that is signed in clear', async () => {
  const entity = await smime(await mailWith({ text: 'words', attachments: [LETTER] }), 'clear');
  const told: string[] = [];
  const opening = new Opening({ pattern: ['*'], embedded: false }, (what) => told.push(what));
  const names: string[] = [];
  const content = Readable.from([entity]);
  const part = { name: 'smime.p7m', type: 'multipart/signed', related: false, content };
  for await (const { name } of opening.files(part)) names.push(name);
  expect(names).toEqual(['letter.pdf']);
  expect(told).toEqual([]);
});

test('what is encrypted is taken as it is, and that is told', async () => {
  const mail = await smime(await mailWith({ text: 'secret', attachments: [LETTER] }), 'encrypted');
  expect(await opened(mail)).toEqual({
    files: [expect.stringMatching(/^smime.p7m application\/(x-)?pkcs7-mime/)],
    told: ['an attachment is encrypted (S/MIME); it is taken as it is, if it matches'],
    text: undefined,
  });
  expect((await opened(mail, '*.pdf')).told).toHaveLength(1);
  const pgp = await mailWith({
    attachments: [
      { contentType: 'application/pgp-encrypted', content: 'Version: 1' },
      { filename: 'encrypted.asc', content: 'x' },
    ],
  });
  expect(await opened(pgp)).toMatchObject({
    files: [expect.stringMatching(/^encrypted.asc/)],
    told: [expect.stringContaining('encrypted (PGP)')],
  });
});

test('what is damaged is taken as it is, and that is told', async () => {
  const whole = tnef([{ name: 'letter.pdf', content: PDF }]);
  const cut = await opened(await winmail(whole.subarray(0, -20)));
  expect(cut.files).toEqual([`winmail.dat application/ms-tnef ${whole.length - 20}`]);
  expect(cut.told).toEqual([expect.stringContaining('is truncated or damaged')]);
  const other = await opened(await winmail(Buffer.from('no TNEF')));
  expect(other.told).toEqual([expect.stringContaining('is not a winmail.dat')]);
});

test('mails within mails without end, and by the thousand, come to an end', async () => {
  let deep = await mailWith({ attachments: [LETTER] });
  for (let level = 0; level < 12; level += 1) deep = await forwarded(deep);
  const { files, told } = await opened(deep);
  expect(files).toEqual([expect.stringContaining(' message/rfc822 ')]);
  expect(told).toEqual([expect.stringContaining('is nested more than 5 mails deep')]);

  const one = await mailWith({ attachments: [LETTER] });
  const attachments = Array.from({ length: 150 }, () => ({
    contentType: 'message/rfc822',
    content: one,
  }));
  const many = await opened(await mailWith({ attachments }));
  expect(many.files).toHaveLength(150);
  expect(many.files.filter((file) => file.startsWith('letter.pdf'))).toHaveLength(100);
  expect(many.told).toHaveLength(50);
});

test('what is larger than memory should hold is handed on unopened, whole', async () => {
  const told: string[] = [];
  const opening = new Opening({ pattern: ['*'], embedded: false }, (what) => told.push(what));
  const chunk = Buffer.alloc(1024 * 1024);
  const content = Readable.from(Array.from({ length: 70 }, () => chunk));
  const part = { name: 'winmail.dat', type: 'application/ms-tnef', related: false, content };
  let size = 0;
  for await (const file of opening.files(part)) {
    for await (const piece of file.content) size += piece.byteLength;
  }
  expect(size).toBe(70 * 1024 * 1024);
  expect(told).toEqual([expect.stringContaining('is larger than 64 MB')]);
});

test('no byte that was changed makes a reader do more than refuse', async () => {
  const good = tnef([{ name: 'a.pdf', content: PDF, contentId: 'a' }], { text: 'x', html: 'y' });
  const signed = await smime(await mailWith({ text: 'x' }), 'streamed');
  let part: Buffer | undefined;
  for await (const { content } of mimeParts(Readable.from([signed]))) part = await buffer(content);
  const readers = [
    { bytes: good, read: readTnef, isRead: isTnef(good) },
    { bytes: part ?? good, read: signedContent, isRead: part !== undefined },
  ];
  for (const { bytes, read, isRead } of readers) {
    expect(isRead).toBe(true);
    assert(
      property(
        integer({ min: 0, max: bytes.length - 1 }),
        integer({ min: 0, max: 255 }),
        (at, byte) => {
          for (const broken of [Buffer.from(bytes), Buffer.from(bytes.subarray(0, at))]) {
            if (at < broken.length) broken[at] = byte;
            try {
              read(broken);
            } catch (error) {
              if (!(error instanceof NotOpenable)) throw error;
            }
          }
        },
      ),
      { numRuns: examples(1_000) },
    );
  }
});

test('a wild count costs nothing', () => {
  const nested = Buffer.alloc(3_000_000, (0x24_80).toString(16), 'hex');
  const began = processorTime();
  expect(() => signedContent(nested)).toThrow(NotOpenable);
  const wild = tnef([], { text: 'x' });
  const at = wild.indexOf(Buffer.of(0x03, 0x90, 0x06, 0x00)) + 8;
  wild.writeUInt32LE(0xff_ff_ff_ff, at);
  expect(() => readTnef(wild)).toThrow(NotOpenable);
  expect(processorTime() - began).toBeLessThan(1_000);
});
