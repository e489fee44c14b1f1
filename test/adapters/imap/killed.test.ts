import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MORE } from '../../support/examples.ts';
import { type ImapLab, imapLab } from '../../support/imap-lab.ts';
import { KILLS, killedAgainAndAgain } from '../../support/killed-service.ts';
import { hasMailServers } from '../../support/mail-server.ts';
import { mailWith } from '../../support/mailbox.ts';

const MAILS = 100;

/** What is attached to each mail, in order: every fifth has three files. */
const attached = Array.from({ length: MAILS }, (_, mail) => {
  const names = mail % 5 === 4 ? ['a', 'b', 'c'] : ['a'];
  return names.map((name) => `m${String(mail).padStart(3, '0')}-${name}.txt`);
});

describe.runIf(await hasMailServers())('imap-in that is killed again and again', () => {
  let lab: ImapLab;
  beforeAll(async () => {
    lab = await imapLab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test.for([
    { afterwards: 'archive', archived: MAILS, seed: 41 },
    { afterwards: 'delete', archived: 0, seed: 42 },
  ])(
    '$afterwards: loses no mail, keeps their order, and repeats at most one message a kill',
    { timeout: 240_000 * MORE },
    async ({ afterwards, archived, seed }) => {
      await using box = await lab.box();
      const coming = attached.values();
      const expected = attached.flat();
      const delivered = await killedAgainAndAgain(lab.order(box, { afterwards }), {
        seed,
        kills: KILLS,
        expected,
        left: () => box.look(),
        async put() {
          const { value: names = [] } = coming.next();
          const attachments = names.map((filename) => ({ filename, content: `in ${filename}` }));
          if (names.length > 0) await box.put(await mailWith({ attachments }));
          return names.length;
        },
      });
      expect(delivered.map(({ body }) => body)).toEqual(expected.map((name) => `in ${name}`));
      expect(await box.look(`${box.folder}-taken`)).toHaveLength(archived);
    },
  );
});
