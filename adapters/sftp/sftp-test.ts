import {
  explained,
  type FileStore,
  type Lent,
  probe,
  type Step,
  type setting,
  toldElsewhere,
} from 'waybill/adapter';
import { connectSftp } from './connect.ts';
import type { Attempt } from './connect-failure.ts';
import type { SftpSession } from './sftp-session.ts';
import type { SftpConnectionSettings } from './sftp-settings.ts';
import { SftpStore } from './sftp-store.ts';

export type TestLent = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly settings: SftpConnectionSettings;
};

/** The steps that both directions have in common, then the adapter's own on the open connection. */
export async function testSftp(
  lent: TestLent,
  step: Step,
  then: (store: FileStore, step: Step) => Promise<void>,
): Promise<void> {
  await probe(lent, step, { address: lent.settings.connect });
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  const banner = Promise.withResolvers<string>();
  const key = Promise.withResolvers<Attempt>();
  const opening = connectSftp(lent, lent.signal, { banner: banner.resolve, hostKey: key.resolve });
  // What ends the connection before a stage is reached ends that stage.
  for (const stage of [banner, key]) {
    opening.catch(stage.reject);
    stage.promise.catch(toldElsewhere);
  }
  try {
    await told('banner', async (detail) => detail(await banner.promise));
    await told('host key', async (detail) => {
      const { shown } = await key.promise;
      detail(`${shown?.type} ${shown?.fingerprint}`);
      if (shown?.trusted !== true) await opening;
    });
    const session = await told('sign-in', async (detail) => {
      const { facts } = await opening;
      detail(`the server takes ${facts.offered.join(', ')}; used was ${facts.method}`);
      return opening;
    });
    await then(new SftpStore(session), told);
  } finally {
    await opening.then(
      (session: SftpSession) => session.close(),
      () => undefined,
    );
  }
}
