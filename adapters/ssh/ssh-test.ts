import { explained, type Step, toldElsewhere } from 'waybill/adapter';
import { placeOf, probe } from 'waybill/peer/basics';
import type { Attempt } from './connect-failure.ts';
import type { Stages } from './prepare.ts';
import type { SshSettings } from './ssh-settings.ts';

interface Trial<Session> {
  readonly settings: SshSettings;
  /** Connects and signs in, and calls the stages as it gets to them. */
  readonly open: (stages: Stages) => Promise<Session>;
  /** Which sign-in methods the server accepts, and which one worked. */
  readonly methods: (session: Session) => {
    readonly offered: readonly string[];
    readonly method: string | undefined;
  };
}

/**
 * The steps of a connection test up to the sign-in, at a jump host first if there is one; then the adapter's own on
 * the open session, which the caller of `open` closes when it is done.
 */
export async function trySignIn<Session>(
  lent: Parameters<typeof probe>[0],
  step: Step,
  { settings, open, methods }: Trial<Session>,
): Promise<Session> {
  const { connect, jump } = settings;
  const told = toldStep(step);
  const toldOfJump: Step = (name, run) => told(`jump host: ${name}`, run);
  if (jump === undefined) await probe(lent, step, { address: connect });
  else await probe(lent, (name, run) => step(`jump host: ${name}`, run), { address: jump.connect });
  const [own, before] = [stagesOf(), stagesOf()];
  const through = Promise.withResolvers<undefined>();
  const opening = open({
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
  return await told('sign-in', async (detail) => {
    const { offered, method } = methods(await opening);
    detail(takes(offered, method));
    return opening;
  });
}

/** Steps whose failures are told by the texts of the engine's own errors. */
export const toldStep =
  (step: Step): Step =>
  (name, run) =>
    step(name, (detail) => explained(async () => run(detail)));

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
  opening: Promise<unknown>,
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
