import {
  explained,
  type FileStore,
  type Lent,
  probe,
  type Step,
  type setting,
} from 'waybill/adapter';
import { connectFtps } from './connect.ts';
import type { FtpsSession } from './ftps-session.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';
import { FtpsStore } from './ftps-store.ts';

export type TestLent = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly settings: FtpsConnectionSettings;
};

/** The steps that both directions have in common, then the adapter's own on the open connection. */
export async function testFtps(
  lent: TestLent,
  step: Step,
  then: (store: FileStore, step: Step) => Promise<void>,
): Promise<void> {
  const { connect: address, security } = lent.settings;
  await probe(lent, step, { address });
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  const greeting = Promise.withResolvers<string>();
  const tls = Promise.withResolvers<string>();
  const opening = connectFtps(lent, lent.signal, { greeting: greeting.resolve, tls: tls.resolve });
  // What ends the connection before a stage is reached ends that stage.
  for (const stage of [greeting, tls]) {
    opening.catch(stage.reject);
    stage.promise.catch(() => undefined);
  }
  try {
    await told('greeting', async (detail) => detail(await greeting.promise));
    if (security !== 'none') await told('TLS', async (detail) => detail(await tls.promise));
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
