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
  async open(lent) {
    const closing = new AbortController();
    const stop = AbortSignal.any([lent.signal, closing.signal]);
    const connect = () => Pop3Session.open(lent, lent.settings, stop);
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
  test: pop3Test,
});

interface Connecting {
  /** Undefined if the sign-in was refused. */
  readonly first: Pop3Session | undefined;
  readonly connect: () => Promise<Pop3Session>;
}

/** A session for each round: the mailbox is locked for others while one is open. */
async function run(
  lent: Pop3Lent,
  { first, connect }: Connecting,
  signal: AbortSignal,
): Promise<void> {
  const { settings } = lent;
  let session = first ?? (await laterSession(lent, connect, signal));
  const rounds = new MailRounds(lent, await takenMails(lent, session));
  const state = `${session.place}, ${session.signedIn}, looks every ${settings.every} ms`;
  lent.connection('connected', state);
  lent.event('info', 'sign-in', state);
  for (;;) {
    const end = await oneRound(lent, { session, rounds }, signal);
    if (end !== 'more') await wait(settings.every, { signal });
    signal.throwIfAborted();
    session = (await firstSession(lent, connect)) ?? (await laterSession(lent, connect, signal));
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
  const { connect: address, security, tls, credential } = lent.settings;
  await probe(lent, step, {
    address,
    ...(security === 'tls' ? { tls, alwaysTls: true, inside: 'POP3' as const } : {}),
  });
  const signIn = () => told(() => Pop3Session.open(lent, lent.settings, lent.signal));
  if (security === 'starttls') {
    await step('TLS', async (detail) => {
      if (await tryTls(lent, { address, tls, agree: startTls }, detail)) return;
      await (await signIn()).quit();
    });
  }
  await testToken(lent, step, { credential, host: address.host, role: 'POP.AccessAsApp' });
  const session = await step('sign-in', async (detail) => {
    const signedIn = await signIn();
    detail(signedIn.signedIn);
    return signedIn;
  });
  try {
    await step('mailbox', async (detail) => {
      const mails = await told(() => session.list());
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

async function told<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}
