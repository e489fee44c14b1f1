import { type Lent, type Step, stepFailure } from 'waybill/adapter';
import { probe, type Talk, testToken, tryTls } from 'waybill/peer';
import { ImapSession } from './imap-session.ts';
import type { imapSettings } from './imap-settings.ts';

type ImapLent = Lent<typeof imapSettings>;

/** Name, TCP, TLS, sign-in, and whether the folder can be read and mails be put away. Changes nothing. */
export async function imapTest(lent: ImapLent, step: Step): Promise<void> {
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
    afterwards === 'archive' && !(await session.has(archive)) ? `; ${archive} will be made` : '';
  await session.enter();
  const pushes = session.pushes
    ? 'tells of new mails at once'
    : 'does not tell of new mails (no IDLE)';
  return `${folder} has ${session.mails} mails; the server ${pushes}${archived}`;
}

async function told<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}
