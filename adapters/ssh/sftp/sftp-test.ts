import type { Lent, Step, setting } from 'waybill/adapter';
import type { FileStore } from 'waybill/peer';
import { toldStep, trySignIn } from '../ssh-test.ts';
import { connectSftp } from './connect.ts';
import type { SftpSession } from './sftp-session.ts';
import type { SftpConnectionSettings } from './sftp-settings.ts';
import { SftpStore } from './sftp-store.ts';

export type TestLent = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly settings: SftpConnectionSettings;
};

/** The steps common to both directions, then the adapter's own on the open connection. */
export async function testSftp(
  lent: TestLent,
  step: Step,
  then: (store: FileStore, step: Step) => Promise<void>,
): Promise<void> {
  let opening: Promise<SftpSession> | undefined;
  try {
    const session = await trySignIn(lent, step, {
      settings: lent.settings,
      open: (stages) => (opening = connectSftp(lent, lent.signal, stages)),
      methods: ({ facts }) => facts,
    });
    await then(new SftpStore(session), toldStep(step));
  } finally {
    await opening?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
}
