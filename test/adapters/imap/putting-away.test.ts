import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../../src/adapter/index.ts';
import { anotherLook, delivered, type ImapLab, imapLab } from '../../support/imap-lab.ts';
import { hasMailServers } from '../../support/mail-server.ts';
import { mailWith } from '../../support/mailbox.ts';

const HL7 = Buffer.from('MSH|^~\\&|LAB|X|Y|Z|20260101||ORU^R01|1|P|2.5.1\rOBX|1||Ä\r', 'latin1');

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let lab: ImapLab;
  beforeAll(async () => {
    lab = await imapLab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  describe('what becomes of a taken mail', () => {
    test.for([
      { afterwards: 'seen', here: [['\\Seen']], there: 0 },
      { afterwards: 'flag', here: [['$Waybill']], there: 0 },
      { afterwards: 'archive', here: [], there: 1 },
      { afterwards: 'delete', here: [], there: 0 },
      { afterwards: 'keep', here: [[]], there: 0 },
    ])('$afterwards: it is not taken twice', async ({ afterwards, here, there }) => {
      await using box = await lab.box();
      await box.put(await mailWith({ attachments: [{ filename: 'a.hl7', content: HL7 }] }));
      await using opened = await lab.open(box, { afterwards });
      await delivered(opened, 1);
      await vi.waitFor(async () => {
        const flags = (await box.look()).map((mail) =>
          mail.flags.filter((one) => one !== '\\Recent'),
        );
        expect(flags).toEqual(here);
        expect(await box.look(`${box.folder}-taken`)).toHaveLength(there);
      });
      await anotherLook(box, opened);
      expect(opened.delivered).toHaveLength(2);
    });

    test('seen: reading it does not mark it before it is stored', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ attachments: [{ filename: 'a.hl7', content: HL7 }] }));
      await using opened = await lab.open(box, { afterwards: 'seen' });
      opened.hold();
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      const [mail] = await box.look();
      expect(mail?.flags).not.toContain('\\Seen');
      opened.release();
    });
  });

  test('a deletion that was cut off between its two steps is finished; what somebody else marked is left alone', async () => {
    await using box = await lab.box();
    const given = { afterwards: 'delete', take: 'text' };
    await box.put(await mailWith({ text: 'first' }));
    const first = await lab.open(box, given);
    await delivered(first, 1);
    await vi.waitFor(() => expect(first.memory).toBeDefined());
    await first.close();
    for (const text of ['ours', 'theirs']) {
      await box.put(await mailWith({ text, messageId: `<${text}@lab.example>` }));
    }
    await box.look();
    await box.client.mailboxOpen(box.folder);
    await box.client.messageFlagsAdd('2:3', ['\\Deleted'], { uid: true });
    const known = JSON.parse(first.memory ?? '') as Record<string, unknown>;
    const memory = JSON.stringify({ ...known, open: [[2, 'abcdefghijkl', 'taken']] });
    await using opened = await lab.open(box, given, memory);
    await vi.waitFor(async () => {
      const left = (await box.look()).map(({ raw }) => raw.toString());
      expect(left).toEqual([expect.stringContaining('theirs')]);
    });
    expect(opened.delivered).toEqual([]);
  });

  describe('which mails are taken', () => {
    test('those whose sender and subject fit; the others are left alone', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ from: 'spam@else.example', subject: 'Befund 1', text: 'a' }));
      await box.put(await mailWith({ subject: 'Rechnung', text: 'b' }));
      await box.put(await mailWith({ subject: 'Ihr BEFUND 2', text: 'c' }));
      await using opened = await lab.open(box, {
        from: '@lab.example',
        subject: 'befund',
        take: 'text',
      });
      await delivered(opened, 1);
      await vi.waitFor(async () => expect(await box.look()).toHaveLength(2));
      expect(opened.delivered[0]?.body.toString().trim()).toBe('c');
    });

    test('not one above the limit: it stays, is told of once, and holds up no other', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ text: 'x'.repeat(5_000) }));
      await box.put(await mailWith({ text: 'small' }));
      await using opened = await lab.open(box, { limit: '2KB', take: 'text' });
      await delivered(opened, 1);
      await anotherLook(box, opened).catch(() => undefined);
      expect(opened.events.filter(({ name }) => name === 'mail-refused')).toEqual([
        {
          level: 'error',
          name: 'mail-refused',
          text: expect.stringMatching(
            /UID 1 is not taken and stays where it is: it has 5\.\d KB, more than the limit of 2 KB/,
          ),
        },
      ]);
      expect(await box.look()).toHaveLength(1);
    });

    test('one that the engine refuses for good goes to the folder for it', async () => {
      await using box = await lab.box();
      await box.put(await mailWith({ text: 'x' }));
      await using opened = await lab.open(box, { failed: `${box.folder}-failed`, take: 'text' });
      opened.refuse(new EngineError('MESSAGE_TOO_LARGE', 'too large for this production'));
      await vi.waitFor(async () => expect(await box.look(`${box.folder}-failed`)).toHaveLength(1));
      expect(await box.look()).toEqual([]);
      expect(await box.look(`${box.folder}-taken`)).toEqual([]);
    });
  });

  test('a new mail is taken at once: the server tells of it', async () => {
    await using box = await lab.box();
    await using opened = await lab.open(box, { every: '10m', take: 'text' });
    await vi.waitFor(() =>
      expect(opened.states.at(-1)?.detail).toContain('notified of new mails at once'),
    );
    for (const text of ['first', 'second', 'third']) {
      await box.put(await mailWith({ text }));
      await vi.waitFor(() => expect(opened.delivered.at(-1)?.body.toString().trim()).toBe(text), {
        timeout: 5_000,
      });
    }
  });

  describe('when the server has numbered the mails anew', () => {
    test('kept mails are recognised and not taken again', async () => {
      await using box = await lab.box();
      const mails = await Promise.all(
        ['a', 'b'].map((text) => mailWith({ messageId: `<${text}@lab.example>`, text })),
      );
      for (const mail of mails) await box.put(mail);
      const first = await lab.open(box, { afterwards: 'keep', take: 'text' });
      await delivered(first, 2);
      await first.close();
      const memory = first.memory;
      await box.client.mailboxDelete(box.folder);
      await box.client.mailboxCreate(box.folder);
      for (const mail of mails) await box.put(mail);
      await box.put(await mailWith({ messageId: '<c@lab.example>', text: 'c' }));
      await using opened = await lab.open(box, { afterwards: 'keep', take: 'text' }, memory);
      await delivered(opened, 1);
      expect(opened.delivered[0]?.body.toString().trim()).toBe('c');
      expect(opened.events.map(({ name }) => name)).toContain('renumbered');
    });

    test('a mail that was stored but not put away yet is only put away', async () => {
      await using box = await lab.box();
      const mail = await mailWith({ messageId: '<a@lab.example>', text: 'a' });
      await box.put(mail);
      const first = await lab.open(box, { take: 'text', afterwards: 'archive' });
      await delivered(first, 1);
      await vi.waitFor(() => expect(first.memory).toBeDefined());
      const memory = first.memory;
      await first.close();
      await box.client.mailboxDelete(box.folder);
      await box.client.mailboxCreate(box.folder);
      await box.put(mail);
      await using opened = await lab.open(box, { take: 'text' }, memory);
      await vi.waitFor(async () => expect(await box.look()).toEqual([]));
      expect(opened.delivered).toEqual([]);
    });
  });
});
