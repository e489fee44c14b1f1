import { inbound, type LentInbound, type Step, wait } from 'waybill/adapter';
import type { Talk } from 'waybill/peer/basics';
import { cutWhenStopped, openMailbox, toldInStep, tryMailbox } from 'waybill/peer/mail';
import { MailRounds } from './mail-round.ts';
import { Pop3Session } from './pop3-session.ts';
import { pop3Settings } from './pop3-settings.ts';
import { TakenMails } from './taken-mails.ts';

type Pop3Lent = LentInbound<typeof pop3Settings>;

export default inbound({
  type: 'pop3-in',
  title: 'Mail (POP3)',
  summary: 'Takes the mails of a mailbox by POP3, or the files attached to them.',
  settings: pop3Settings,
  polling: true,
  open: (lent) =>
    openMailbox(lent, {
      connect: (signal) => Pop3Session.open(lent, lent.settings, signal),
      read: (session, again, signal) => read(lent, { session, again }, signal),
    }),
  test: pop3Test,
});

/** A session for each round: the mailbox is locked for others while one is open. */
async function read(
  lent: Pop3Lent,
  {
    session: first,
    again,
  }: { readonly session: Pop3Session; readonly again: () => Promise<Pop3Session> },
  signal: AbortSignal,
): Promise<void> {
  const { settings } = lent;
  let session = first;
  const rounds = new MailRounds(lent, await takenMails(lent, session));
  const state = `${session.place}, ${session.signedIn}, looks every ${settings.every} ms`;
  lent.connection('connected', state);
  lent.event('info', 'sign-in', state);
  for (;;) {
    const end = await oneRound(lent, { session, rounds }, signal);
    if (end !== 'more') await wait(settings.every, { signal });
    signal.throwIfAborted();
    session = await again();
    lent.connection('connected', state);
  }
}

function takenMails({ memory, settings }: Pop3Lent, { user }: Pop3Session): Promise<TakenMails> {
  const { connect, from = '', subject = '', afterwards } = settings;
  return TakenMails.read(memory, {
    mailbox: `${user} ${connect.host}`,
    filter: JSON.stringify([from, subject]),
    stay: afterwards === 'keep',
  });
}

async function oneRound(
  lent: Pop3Lent,
  { session, rounds }: { readonly session: Pop3Session; readonly rounds: MailRounds },
  signal: AbortSignal,
): ReturnType<MailRounds['round']> {
  const over = new AbortController();
  const cut = cutWhenStopped(session, {
    lent,
    signal,
    over: over.signal,
    delivering: () => rounds.delivering,
  });
  try {
    return await rounds.round(session, signal);
  } finally {
    session.close();
    over.abort();
    await cut;
  }
}

/** Name, TCP, TLS, sign-in, and whether the mailbox can be read. Changes nothing. */
async function pop3Test(lent: Pop3Lent, step: Step): Promise<void> {
  const session = await tryMailbox(lent, step, {
    name: 'POP3',
    role: 'POP.AccessAsApp',
    startTls,
    signIn: () => Pop3Session.open(lent, lent.settings, lent.signal),
  });
  try {
    await step('mailbox', async (detail) => {
      const mails = await toldInStep(() => session.list());
      detail(`${mails.length} mails, ${mails.reduce((sum, { size }) => sum + size, 0)} bytes`);
    });
  } finally {
    await session.quit();
  }
}

async function startTls(talk: Talk): Promise<boolean> {
  if (!(await talk.line()).startsWith('+OK')) return false;
  talk.say('STLS');
  return (await talk.line()).startsWith('+OK');
}
