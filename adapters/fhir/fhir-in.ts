import {
  DisableError,
  explained,
  inbound,
  type Lent,
  type LentInbound,
  type SettingsFault,
  type Step,
} from 'waybill/adapter';
import { isFhirType } from 'waybill/document';
import { tryListening } from 'waybill/peer/basics';
import {
  certificateFaults,
  commonOf,
  joinListener,
  schemesOf,
  tryCallers,
} from 'waybill/peer/http-server';
import { tryDirectoryUsers, tryProvider } from 'waybill/peer/sign-in';
import { Authority, ownCaller } from './authority/authority.ts';
import { authorityFaults } from './authority/authority-settings.ts';
import { type FhirInValues, fhirInSettings } from './fhir-in-settings.ts';
import { basePath, FhirEndpoint, publicBase, takenBy } from './server/fhir-endpoint.ts';
import { isServed } from './server/request.ts';
import { SubscriberRights } from './server/subscriber-rights.ts';
import type { SmartValues } from './smart-settings.ts';

export default inbound({
  type: 'fhir-in',
  title: 'FHIR, serving',
  summary:
    'Serves a FHIR API: reads, searches, writes and transactions are messages, and the answer of their target is the answer.',
  settings: fhirInSettings,
  sharing: (settings) =>
    Promise.resolve({
      family: 'http',
      takes: takenBy(settings),
      common: { name: 'tls', value: commonOf(settings) },
    }),
  check: (settings) => Promise.resolve(faultsOf(settings)),
  async open(lent) {
    const { callers } = lent.settings;
    const authority = authorityOf(lent);
    const schemes =
      authority === undefined
        ? schemesOf(lent, callers)
        : schemesOf(
            {
              ...lent,
              verifier: (name) => authority.verifier(name, (other) => lent.verifier(other)),
            },
            [ownCaller, ...callers],
          );
    const rights = rightsOf(lent, authority);
    const endpoint = new FhirEndpoint(lent, { schemes, authority, rights });
    const membership = await joinListener(lent, endpoint);
    rights?.start();
    const who = schemes.length === 0 ? ', everybody may call' : '';
    lent.connection('listening', `${membership.place}${basePath(lent.settings)}${who}`);
    return {
      async close() {
        await Promise.all([membership.leave(), rights?.stop()]);
      },
    };
  },
  test: (lent, step) => tryFhirIn(lent, step),
});

/** Who watches over those who subscribe through this service; undefined if nobody does. */
function rightsOf(
  lent: LentInbound<typeof fhirInSettings>,
  authority: Authority | undefined,
): SubscriberRights | undefined {
  const { records, settings } = lent;
  const isSubscribed = records !== undefined && isServed('Subscription', settings);
  return isSubscribed ? new SubscriberRights(lent, records, authority) : undefined;
}

function authorityOf(lent: LentInbound<typeof fhirInSettings>): Authority | undefined {
  const { settings, signIn } = lent;
  const { smart, publicUrl } = settings;
  if (smart?.server === undefined) return undefined;
  if (signIn === undefined) throw new DisableError('Nobody can sign in: no engine runs here.');
  const [fault] = authorityFaults(smart.server, publicUrl);
  if (publicUrl === undefined || fault !== undefined) {
    throw new DisableError(
      `${fault?.path.join('.') ?? ''}: ${fault?.what ?? ''}. ${fault?.remedy ?? ''}`,
    );
  }
  return new Authority({ ...lent, signIn }, smart.server, publicBase(publicUrl));
}

function faultsOf({
  path,
  resources,
  callers,
  scopes,
  tls,
  interactions,
  smart,
  publicUrl,
  version,
}: FhirInValues): SettingsFault[] {
  const faults = authorityFaults(smart?.server, publicUrl);
  const fault: Fault = (setting, what, remedy) => {
    faults.push({ path: [setting], what, remedy });
  };
  if (!/^(?:\/[^{}*]+)?\/\*$/.test(path.source)) {
    fault(
      'path',
      'it is not a base address',
      'Write it without parameters and with * at its end, such as /fhir/*.',
    );
  }
  for (const type of resources.filter((one) => !isFhirType(one, version))) {
    fault(
      'resources',
      `FHIR ${version} has no resource ${type}`,
      'Correct it; names begin with a capital.',
    );
  }
  if (interactions.length === 0)
    fault('interactions', 'there is none', 'Name what callers may ask for.');
  if (scopes.length > 0 && callers.length === 0 && smart?.server === undefined) {
    fault('scopes', 'it has no effect without callers', 'Say under callers who may call.');
  }
  if (smart !== undefined && smart.server === undefined) smartFaults(smart, callers, fault);
  return [...faults, ...certificateFaults({ callers, tls })];
}

type Fault = (setting: string, what: string, remedy: string) => void;

/** Of a facade whose authorization server is another one. */
function smartFaults(
  { tokenEndpoint }: SmartValues,
  callers: FhirInValues['callers'],
  fault: Fault,
): void {
  if (tokenEndpoint === undefined) {
    const remedy = 'Set tokenEndpoint, or server if this service is to be it.';
    fault('smart', 'it names no authorization server', remedy);
  }
  if (callers.some((one) => one?.kind === 'bearer')) return;
  const remedy = 'Say under callers by which verifier tokens are checked.';
  fault('smart', 'no caller has a token', remedy);
}

/** Checks that the port is free, the certificate works, and the means of checking callers exist. */
async function tryFhirIn(lent: Lent<typeof fhirInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await tryCallers(lent, step, settings.callers);
  const { server } = settings.smart ?? {};
  if (server === undefined) return;
  await step('key', (detail) =>
    explained(async () => {
      const found = await lent.credential(server.key);
      // what it signs is thrown away
      if ('token' in found) await found.token(lent.signal);
      detail(`${server.key} signs tokens`);
    }),
  );
  await step('applications', (detail) =>
    explained(async () => {
      const clients = server.clients.filter((one) => one !== undefined);
      for (const { secret, key } of clients) {
        if (secret !== undefined) await lent.credential(secret);
        if (key !== undefined) await lent.verifier(key);
      }
      if (server.launchKey !== undefined) await lent.verifier(server.launchKey);
      detail(clients.map(({ id }) => id).join(', ') || 'none');
    }),
  );
  if (server.ldap !== undefined) await tryDirectoryUsers(lent, step, server.ldap);
  if (server.oidc === undefined) return;
  const { publicUrl } = settings;
  await tryProvider(lent, step, server.oidc, publicUrl && `${publicBase(publicUrl)}/auth/callback`);
}
