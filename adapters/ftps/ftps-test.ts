import { explained, type Lent, type Step, type setting, toldElsewhere } from 'waybill/adapter';
import { probe, type Talk, tryTls } from 'waybill/peer/basics';
import type { FileStore } from 'waybill/peer/folder';
import { connectFtps } from './connect.ts';
import type { FtpsSession } from './ftps-session.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';
import { FtpsStore } from './ftps-store.ts';

export type TestLent = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly settings: FtpsConnectionSettings;
};

/** The steps common to both directions, then the adapter's own on the open connection. */
export async function testFtps(
  lent: TestLent,
  step: Step,
  then: (store: FileStore, step: Step) => Promise<void>,
): Promise<void> {
  const { connect: address, security } = lent.settings;
  await probe(lent, step, { address });
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  const handshake = security === 'none' ? undefined : await triedTls(lent);
  const greeting = Promise.withResolvers<string>();
  const tls = Promise.withResolvers<string>();
  const opening = connectFtps(lent, lent.signal, { greeting: greeting.resolve, tls: tls.resolve });
  // What ends the connection before a stage is reached fails that stage.
  for (const stage of [greeting, tls]) {
    opening.catch(stage.reject);
    stage.promise.catch(toldElsewhere);
  }
  const showTls = async ({ seen, problem }: Handshake): Promise<void> =>
    told('TLS', async (detail) => {
      for (const text of seen) detail(text);
      // With implicit TLS, the handshake is done, whatever the greeting.
      if (security !== 'implicit' || problem !== undefined) await tls.promise;
      // The connection itself succeeded: a server that refuses our certificate may say so late.
      if (problem !== undefined) throw problem;
    });
  try {
    if (handshake !== undefined && security === 'implicit') await showTls(handshake);
    await told('greeting', async (detail) => detail(await greeting.promise));
    if (handshake !== undefined && security === 'explicit') await showTls(handshake);
    const session = await told('sign-in', async (detail) => {
      const { facts } = await opening;
      detail(`starts in ${facts.start}`);
      return opening;
    });
    await then(new FtpsStore(session), told);
  } finally {
    await opening.then(
      (session: FtpsSession) => session.close(),
      () => undefined,
    );
  }
}

interface Handshake {
  readonly seen: readonly string[];
  readonly problem: Error | undefined;
}

/** On a separate connection, before the other one: some servers accept one at a time. */
async function triedTls(lent: TestLent): Promise<Handshake> {
  const { connect: address, security, tls } = lent.settings;
  const seen: string[] = [];
  const agree = security === 'explicit' ? authTls : undefined;
  const problem = await tryTls(lent, { address, tls, agree }, (text) => seen.push(text)).then(
    () => undefined,
    (error: Error) => error,
  );
  return { seen, problem };
}

async function authTls(talk: Talk): Promise<boolean> {
  await talk.reply();
  talk.say('AUTH TLS');
  const [answer = ''] = await talk.reply();
  return answer.startsWith('234');
}
