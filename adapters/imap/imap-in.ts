import {
  type EngineError,
  inbound,
  type LentInbound,
  type Open,
  type Step,
  stepFailure,
  wait,
} from 'waybill/adapter';
import {
  cutWhenStopped,
  firstSession,
  laterSession,
  probe,
  type Talk,
  testToken,
  tryTls,
} from 'waybill/peer';
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
  async open(lent) {
    const closing = new AbortController();
    const stop = AbortSignal.any([lent.signal, closing.signal]);
    const connect = () => ImapSession.open(lent, lent.settings, stop);
    const first = await firstSession(lent, connect);
    const ended = run(lent, { first, connect }, stop).catch((error: EngineError) => {
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

interface Connecting {
  /** Undefined if the sign-in was refused. */
  readonly first: ImapSession | undefined;
  readonly connect: () => Promise<ImapSession>;
}

async function run(
  lent: ImapLent,
  { first, connect }: Connecting,
  signal: AbortSignal,
): Promise<void> {
  const session = first ?? (await laterSession(lent, connect, signal));
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
  const { connect: address, security, tls } = lent.settings;
  await probe(lent, step, {
    address,
    ...(security === 'tls' ? { tls, alwaysTls: true, inside: 'IMAP' as const } : {}),
  });
  const signIn = () => told(() => ImapSession.signIn(lent, lent.settings, lent.signal));
  if (security === 'starttls') {
    await step('TLS', async (detail) => {
      if (await tryTls(lent, { address, tls, agree: startTls }, detail)) return;
      await (await signIn()).quit();
    });
  }
  const { credential } = lent.settings;
  await testToken(lent, step, { credential, host: address.host, role: 'IMAP.AccessAsApp' });
  const session = await step('sign-in', async (detail) => {
    const signedIn = await signIn();
    detail(signedIn.signedIn);
    return signedIn;
  });
  try {
    await step('folder', async (detail) => detail(await told(() => lookInto(session, lent))));
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

async function told<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}
