import { inbound, type Lent, type SettingsFault, type Step } from 'waybill/adapter';
import { isFhirType } from 'waybill/document';
import { commonOf, joinListener, schemesOf, tryCallers, tryListening } from 'waybill/peer';
import { type FhirInValues, fhirInSettings } from './fhir-in-settings.ts';
import { basePath, FhirEndpoint, takenBy } from './server/fhir-endpoint.ts';

export default inbound({
  type: 'fhir-in',
  title: 'FHIR, serving',
  summary:
    'Serves a FHIR R4 API: reads, searches, writes and transactions are messages, and the answer of their target is the answer.',
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
    const membership = await joinListener(lent, new FhirEndpoint(lent, schemesOf(lent, callers)));
    const who = callers.length === 0 ? ', everybody may call' : '';
    lent.connection('listening', `${membership.place}${basePath(lent.settings)}${who}`);
    return { close: () => membership.leave() };
  },
  test: (lent, step) => tryFhirIn(lent, step),
});

function faultsOf({
  path,
  resources,
  callers,
  scopes,
  tls,
  interactions,
  smart,
}: FhirInValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const fault = (setting: string, what: string, remedy: string): number =>
    faults.push({ path: [setting], what, remedy });
  if (!/^(?:\/[^{}*]+)?\/\*$/.test(path.source)) {
    fault(
      'path',
      'it is not a base address',
      'Write it without parameters and with * at its end, such as /fhir/*.',
    );
  }
  for (const type of resources.filter((one) => !isFhirType(one))) {
    fault(
      'resources',
      `FHIR R4 has no resource ${type}`,
      'Correct it; names begin with a capital.',
    );
  }
  if (interactions.length === 0)
    fault('interactions', 'there is none', 'Name what callers may ask for.');
  if (scopes.length > 0 && callers.length === 0) {
    fault('scopes', 'it has no effect without callers', 'Say under callers who may call.');
  }
  if (smart !== undefined && !callers.some((one) => one?.kind === 'bearer')) {
    fault(
      'smart',
      'no caller has a token',
      'Say under callers by which verifier tokens are checked.',
    );
  }
  const needsCertificate = callers.some((one) => one?.kind === 'certificate');
  if (needsCertificate && (tls?.clientCertificate ?? 'none') === 'none') {
    fault(
      'callers',
      'kind certificate needs a client certificate, but none is requested',
      'Set clientCertificate: requested or required under tls.',
    );
  }
  return faults;
}

/** Checks that the port is free, the certificate works, and the means of checking callers exist. */
async function tryFhirIn(lent: Lent<typeof fhirInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await tryCallers(lent, step, settings.callers);
}
