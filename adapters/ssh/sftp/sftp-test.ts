import type { Lent, Step, setting } from 'waybill/adapter';
import type { FileStore } from 'waybill/peer/folder';
import { connectSsh } from '../connect.ts';
import type { Stages } from '../prepare.ts';
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
  const open = (stages?: Stages): Promise<SftpSession> =>
    (opening = connectSftp(lent, lent.signal, stages));
  try {
    const { sudo } = lent.settings;
    if (sudo !== undefined) await trySignInAlone(lent, step);
    const session =
      sudo === undefined
        ? await trySignIn(lent, step, {
            settings: lent.settings,
            open,
            methods: ({ facts }) => facts,
          })
        : await toldStep(step)('sudo', async (detail) => {
            const started = await open();
            detail(`runs ${sudo.command} as ${sudo.user}`);
            return started;
          });
    await then(new SftpStore(session), toldStep(step));
  } finally {
    await opening?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
}

/** The steps of a sign-in without SFTP, so that what sudo refuses is told apart. */
async function trySignInAlone(lent: TestLent, step: Step): Promise<void> {
  const { client } = await trySignIn(lent, step, {
    settings: lent.settings,
    open: (stages) => connectSsh(lent, lent.signal, stages),
    methods: ({ attempt: { signIn } }) => ({
      offered: signIn.offered,
      method: signIn.tried.at(-1),
    }),
  });
  client.end();
}
