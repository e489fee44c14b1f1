import { explained, type Lent, type Step, type setting, toldElsewhere } from 'waybill/adapter';
import { type FileStore, placeOf, probe } from 'waybill/peer';
import { connectSftp } from './connect.ts';
import type { Attempt } from './connect-failure.ts';
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
  const { connect, jump } = lent.settings;
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  const toldOfJump: Step = (name, run) => told(`jump host: ${name}`, run);
  if (jump === undefined) await probe(lent, step, { address: connect });
  else await probe(lent, (name, run) => step(`jump host: ${name}`, run), { address: jump.connect });
  const [own, before] = [stagesOf(), stagesOf()];
  const through = Promise.withResolvers<undefined>();
  const opening = connectSftp(lent, lent.signal, {
    banner: own.banner.resolve,
    hostKey: own.key.resolve,
    jump: {
      banner: before.banner.resolve,
      hostKey: before.key.resolve,
      signedIn: before.signedIn.resolve,
      through: () => through.resolve(undefined),
    },
  });
  // What ends the connection before a stage is reached fails that stage.
  for (const stage of [...Object.values(own), ...Object.values(before), through]) {
    opening.catch((reason: unknown) => stage.reject(reason));
    stage.promise.catch(toldElsewhere);
  }
  try {
    if (jump !== undefined) {
      await tellOfServer(before, toldOfJump, opening);
      await toldOfJump('sign-in', async (detail) => {
        const { signIn } = await before.signedIn.promise;
        detail(takes(signIn.offered, signIn.tried.at(-1)));
      });
      await toldOfJump('forwarding', async (detail) => {
        await through.promise;
        detail(`leads to ${placeOf(connect)}`);
      });
    }
    await tellOfServer(own, told, opening);
    const session = await told('sign-in', async (detail) => {
      const { facts } = await opening;
      detail(takes(facts.offered, facts.method));
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

interface StagePromises {
  readonly banner: PromiseWithResolvers<string>;
  readonly key: PromiseWithResolvers<Attempt>;
  readonly signedIn: PromiseWithResolvers<Attempt>;
}

function stagesOf(): StagePromises {
  return {
    banner: Promise.withResolvers(),
    key: Promise.withResolvers(),
    signedIn: Promise.withResolvers(),
  };
}

/** What a server says about itself before the sign-in. */
async function tellOfServer(
  { banner, key }: StagePromises,
  told: Step,
  opening: Promise<SftpSession>,
): Promise<void> {
  await told('banner', async (detail) => detail(await banner.promise));
  await told('host key', async (detail) => {
    const { shown } = await key.promise;
    detail(`${shown?.type} ${shown?.fingerprint}`);
    if (shown?.trusted !== true) await opening;
  });
}

const takes = (offered: readonly string[], method = 'none'): string =>
  `the server accepts ${offered.join(', ')}; used was ${method}`;
