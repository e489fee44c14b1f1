import { inbound, type LentInbound, type Step, wait } from 'waybill/adapter';
import type { Talk } from 'waybill/peer/basics';
import { cutWhenStopped, openMailbox, toldInStep, tryMailbox } from 'waybill/peer/mail';
import { ImapSession } from './imap-session.ts';
import { imapSettings } from './imap-settings.ts';
import { MailRounds } from './mail-round.ts';
import { TakenMails } from './taken-mails.ts';

type ImapLent = LentInbound<typeof imapSettings>;

export default inbound({
  type: 'imap-in',
  title: 'Mail (IMAP)',
  summary: 'Takes the mails of a folder of a mailbox, or the files attached to them.',
  settings: imapSettings,
  polling: true,
  open: (lent) =>
    openMailbox(lent, {
      connect: (signal) => ImapSession.open(lent, lent.settings, signal),
      read: (session, _again, signal) => read(lent, session, signal),
    }),
  test: imapTest,
});

async function read(lent: ImapLent, session: ImapSession, signal: AbortSignal): Promise<void> {
  const rounds = await mailRounds(lent, session);
  const over = new AbortController();
  const cut = cutWhenStopped(session, {
    lent,
    signal,
    over: over.signal,
    delivering: () => rounds.delivering,
  });
  try {
    await takeMails(lent, { session, rounds }, signal);
  } finally {
    if (signal.aborted && !lent.signal.aborted) await session.quit();
    session.close();
    over.abort();
    await cut;
  }
}

async function mailRounds(lent: ImapLent, session: ImapSession): Promise<MailRounds> {
  const { settings } = lent;
  const taken = new TakenMails(lent.memory, settings.afterwards === 'keep');
  const renumbered = await taken.enter(session.validity);
  if (renumbered) {
    lent.event(
      'info',
      'renumbered',
      `The server has renumbered the mails of ${settings.folder}. Taken ones are recognised by their Message-ID.`,
    );
  }
  return new MailRounds(lent, taken);
}

async function takeMails(
  lent: ImapLent,
  { session, rounds }: { readonly session: ImapSession; readonly rounds: MailRounds },
  signal: AbortSignal,
): Promise<void> {
  const { every } = lent.settings;
  const how = session.pushes ? 'notified of new mails at once' : `looks every ${every} ms`;
  const state = `${session.place}, ${session.signedIn}, ${how}`;
  lent.connection('connected', state);
  lent.event('info', 'sign-in', state);
  while (!signal.aborted) {
    const all = await rounds.round(session, signal);
    if (all) await session.news(every, signal);
    else await wait(every, { signal });
  }
}

/** Name, TCP, TLS, sign-in, and whether the folder can be read and mails cleared away. Changes nothing. */
async function imapTest(lent: ImapLent, step: Step): Promise<void> {
  const session = await tryMailbox(lent, step, {
    name: 'IMAP',
    role: 'IMAP.AccessAsApp',
    startTls,
    signIn: () => ImapSession.signIn(lent, lent.settings, lent.signal),
  });
  try {
    await step('folder', async (detail) => detail(await toldInStep(() => lookInto(session, lent))));
  } finally {
    await session.quit();
  }
}

async function startTls(talk: Talk): Promise<boolean> {
  if (!(await talk.line()).startsWith('* OK')) return false;
  talk.say('a1 STARTTLS');
  let answer = await talk.line();
  while (answer.startsWith('* ')) answer = await talk.line();
  return answer.startsWith('a1 OK');
}

async function lookInto(session: ImapSession, { settings }: ImapLent): Promise<string> {
  const { folder, afterwards, archive } = settings;
  const archived =
    afterwards === 'archive' && !(await session.has(archive)) ? `; ${archive} will be created` : '';
  await session.enter();
  const pushes = session.pushes
    ? 'reports new mails at once'
    : 'does not report new mails (no IDLE)';
  return `${folder} has ${session.mails} mails; the server ${pushes}${archived}`;
}
