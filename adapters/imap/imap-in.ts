import { setTimeout as sleep } from 'node:timers/promises';
import {
  DisableError,
  type EngineError,
  inbound,
  type LentInbound,
  type Open,
} from 'waybill/adapter';
import { ImapSession } from './imap-session.ts';
import { imapSettings } from './imap-settings.ts';
import { imapTest } from './imap-test.ts';
import { MailRounds } from './mail-round.ts';
import { TakenMails } from './taken-mails.ts';

type ImapLent = LentInbound<typeof imapSettings>;

/** How long after a refused sign-in the next one is made: accounts are locked after a few. */
const REFUSED_PAUSE = 10 * 60_000;

export default inbound({
  type: 'imap-in',
  title: 'Mail (IMAP)',
  summary: 'Takes the mails of a folder of a mailbox, or the files attached to them.',
  settings: imapSettings,
  polling: true,
  async open(lent) {
    const closing = new AbortController();
    const stop = AbortSignal.any([lent.signal, closing.signal]);
    const first = await firstSession(lent, stop);
    const ended = run(lent, first, stop).catch((error: EngineError) => {
      if (!stop.aborted) lent.lost(error);
    });
    return {
      async close() {
        closing.abort();
        await ended;
      },
    } satisfies Open;
  },
  test: imapTest,
});

/** Undefined where only a person can help. Everything else is thrown: the engine opens again soon. */
async function firstSession(lent: ImapLent, signal: AbortSignal): Promise<ImapSession | undefined> {
  try {
    return await ImapSession.open(lent, lent.settings, signal);
  } catch (error) {
    if (!(error instanceof DisableError)) throw error;
    lent.connection('disconnected', error.message);
    lent.event('error', 'refused', error.message);
    return undefined;
  }
}

async function run(
  lent: ImapLent,
  first: ImapSession | undefined,
  signal: AbortSignal,
): Promise<void> {
  let session = first;
  while (session === undefined) {
    await sleep(REFUSED_PAUSE, undefined, { signal });
    session = await firstSession(lent, signal);
  }
  // Closing lets a delivery in work end and the mail be put away; a forced stop does not.
  const open = session;
  const cut = () => open.close();
  lent.signal.addEventListener('abort', cut, { once: true });
  try {
    await takeMails(lent, open, signal);
  } finally {
    lent.signal.removeEventListener('abort', cut);
    if (signal.aborted && !lent.signal.aborted) await open.quit();
    open.close();
  }
}

async function takeMails(lent: ImapLent, session: ImapSession, signal: AbortSignal): Promise<void> {
  const { settings } = lent;
  const taken = new TakenMails(lent.memory, settings.afterwards === 'keep');
  const renumbered = await taken.enter(session.validity);
  const state = `${session.place}, ${session.signedIn}, ${session.pushes ? 'told of new mails at once' : `looks every ${settings.every} ms`}`;
  lent.connection('connected', state);
  lent.event('info', 'connected', state);
  if (renumbered) {
    lent.event(
      'info',
      'renumbered',
      `The server has numbered the mails of ${settings.folder} anew. Taken ones are recognised by their Message-ID.`,
    );
  }
  const rounds = new MailRounds(lent, taken);
  while (!signal.aborted) {
    const all = await rounds.round(session, signal);
    if (all) await session.news(settings.every, signal);
    else await sleep(settings.every, undefined, { signal });
  }
}
