import {
  DisableError,
  inbound,
  type Lent,
  type LentInbound,
  type Step,
  stepFailure,
} from 'waybill/adapter';
import { tryListening } from 'waybill/peer/basics';
import { joinListener, tryCallers } from 'waybill/peer/http-server';
import { tryDirectoryUsers, tryProvider } from 'waybill/peer/sign-in';
import { Endpoint } from './endpoint.ts';
import { fileBelow } from './files/file-tree.ts';
import { httpInSettings } from './http-in-settings.ts';
import { httpInFaults, httpInSharing, operationsOf } from './operations-of.ts';
import { prefixOf } from './sign-in/cookies.ts';
import { ownOrigin } from './sign-in/own-origin.ts';
import { SignInDesk } from './sign-in/sign-in-desk.ts';
import type { SignInValues } from './sign-in/sign-in-settings.ts';
import { tryEhrs } from './sign-in/smart/try-ehrs.ts';

type LentHere = LentInbound<typeof httpInSettings>;

export default inbound({
  type: 'http-in',
  title: 'HTTP and REST, listening',
  summary:
    'Accepts messages at a web address, checks who sends them and their content, and answers.',
  settings: httpInSettings,
  sharing: (settings) => httpInSharing(settings),
  async open(lent) {
    const { path, callers, openapi } = lent.settings;
    const desk = deskOf(lent);
    const operations = await operationsOf(withDesk(lent, desk));
    const membership = await joinListener(lent, new Endpoint(lent, operations, desk));
    const isOpen = callers.length === 0 && openapi === undefined;
    lent.connection(
      'listening',
      `${membership.place}${path.source}${isOpen ? ', everybody may call' : ''}`,
    );
    return { close: () => membership.leave() };
  },
  check: (settings) => httpInFaults(settings),
  test: (lent, step) => tryHttpIn(lent, step),
});

function deskOf(lent: LentHere): SignInDesk | undefined {
  const { settings, signIn: tools } = lent;
  if (settings.signIn === undefined) return undefined;
  if (tools === undefined) throw new DisableError('Nobody can sign in: no engine runs here.');
  return new SignInDesk(
    { ...lent, cors: ownOrigin(settings.cors, settings.signIn), signIn: tools },
    settings.signIn,
  );
}

/** Tokens that are signed here count as long as their sign-in lasts. */
function withDesk(lent: LentHere, desk: SignInDesk | undefined): LentHere {
  if (desk === undefined) return lent;
  const { verifier, settings } = lent;
  return {
    ...lent,
    verifier: (name) =>
      name === settings.signIn?.key ? Promise.resolve(desk.verifier) : verifier(name),
  };
}

/** Turns errors of the engine into failures of a step. */
async function plainly<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}

/**
 * Checks that the port is free, the certificate works, the documents can be read, and the means of
 * checking callers exist.
 */
async function tryHttpIn(lent: Lent<typeof httpInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await step('path', (detail) =>
    plainly(async () => {
      const operations = await operationsOf(lent);
      const own = operations.filter((one) => one.signIn === undefined);
      const open = own.filter(({ access }) => access.length === 0).length;
      detail(`${own.length} operations, ${open} of them open to everybody`);
    }),
  );
  const { signIn } = settings;
  if (signIn !== undefined) await trySignIn(lent, step, signIn);
  const { files } = settings;
  if (files !== undefined) {
    await step('files', async (detail) => {
      const page = await fileBelow(files.folder, ['index.html']);
      await page?.handle.close();
      detail(`${files.folder} ${page === undefined ? 'has no' : 'has an'} index.html`);
    });
  }
  await tryCallers(lent, step, settings.callers);
}

async function trySignIn(
  lent: Lent<typeof httpInSettings>,
  step: Step,
  { key, path, ldap, oidc, smart, ...settings }: SignInValues,
): Promise<void> {
  await step('key', (detail) =>
    plainly(async () => {
      const found = await lent.credential(key);
      // what it signs is thrown away
      if ('token' in found) await found.token(lent.signal);
      detail(`${key} signs access tokens; people sign in at ${path}/login`);
    }),
  );
  if (ldap !== undefined) await tryDirectoryUsers(lent, step, ldap);
  const { publicUrl } = settings;
  const base = publicUrl && `${publicUrl.origin}${prefixOf(settings)}${path}`;
  if (oidc !== undefined) await tryProvider(lent, step, oidc, base && `${base}/callback`);
  if (smart === undefined) return;
  await tryEhrs(lent, step, { smart, path, redirect: base && `${base}/launched` });
}
