import { expect, test, vi } from 'vitest';
import { graphLab } from '../support/graph-lab.ts';
import { delivered, imapLab } from '../support/imap-lab.ts';
import { hasMailServers } from '../support/mail-server.ts';
import { mailWith } from '../support/mailbox.ts';
import type { OpenedInbound } from '../support/open-adapter.ts';
import { openReading, receive } from '../support/open-graph-in.ts';
import { hasPop3, pop3Lab } from '../support/pop3-lab.ts';

/** An engine that takes its time over a large mail is no silence of the server; for files see `sftp` and `ftps`. */

const LARGE = Buffer.alloc(10_000_000, 'abcdefghij');
const TIMEOUT = 1_000;

/** Longer than the server may be silent: a silence has no other sign. */
async function dawdled(): Promise<void> {
  const begin = performance.now();
  await vi.waitUntil(() => performance.now() - begin > 2 * TIMEOUT, { timeout: 10_000 });
}

/** Whether the one mail was taken whole, and over one connection. */
async function isTaken(opened: OpenedInbound): Promise<boolean> {
  await delivered(opened, 1);
  return opened.lost.length === 0 && opened.delivered[0]?.body.equals(LARGE) === true;
}

test.runIf(await hasMailServers())('imap-in', async () => {
  await using lab = await imapLab();
  await using box = await lab.box();
  await using opened = await lab.open(box, { timeout: `${TIMEOUT}ms` });
  opened.dawdle(dawdled);
  await box.put(await mailWith({ attachments: [{ filename: 'l.bin', content: LARGE }] }));
  expect(await isTaken(opened)).toBe(true);
  await vi.waitFor(async () => expect(await box.look()).toEqual([]));
});

test.runIf(await hasPop3())('pop3-in', async () => {
  await using lab = await pop3Lab();
  const box = await lab.box();
  await using opened = await lab.open(box, { timeout: `${TIMEOUT}ms` });
  opened.dawdle(dawdled);
  await box.put(await mailWith({ attachments: [{ filename: 'l.bin', content: LARGE }] }));
  expect(await isTaken(opened)).toBe(true);
  await vi.waitFor(async () => expect(await box.look()).toEqual([]));
});

test('graph-mail-in', async () => {
  await using lab = await graphLab();
  await using opened = await openReading(lab, { timeout: `${TIMEOUT}ms` });
  opened.dawdle(dawdled);
  await receive(lab, { attachments: [{ filename: 'l.bin', content: LARGE }] });
  expect(await isTaken(opened)).toBe(true);
});
