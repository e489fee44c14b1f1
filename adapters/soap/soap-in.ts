import {
  explained,
  inbound,
  type Lent,
  type LentInbound,
  type SettingsFault,
  type Step,
} from 'waybill/adapter';
import { disabledBy, tryListening } from 'waybill/peer/basics';
import { certificateFaults, commonOf, joinListener, schemesOf } from 'waybill/peer/http-server';
import { EnvelopeGuard } from './security/guard.ts';
import { SoapEndpoint, takenBy } from './soap-endpoint.ts';
import { type SoapInValues, soapInSettings } from './soap-in-settings.ts';
import type { SoapVersion } from './soap-version.ts';
import { type ReadPort, readPort } from './wsdl/read-port.ts';
import { readXml } from './xml.ts';

export default inbound({
  type: 'soap-in',
  title: 'SOAP, serving',
  summary: 'Serves a web service by its WSDL: each call is a message, with an answer or a fault.',
  settings: soapInSettings,
  sharing: (settings) =>
    Promise.resolve({
      family: 'http',
      takes: takenBy(settings),
      common: { name: 'tls', value: commonOf(settings) },
    }),
  check: async (settings) => {
    const faults: SettingsFault[] = [];
    await soapInFaults(settings, faults);
    return faults;
  },
  async open(lent) {
    const endpoint = await endpointOf(lent);
    const membership = await joinListener(lent, endpoint);
    const { path, callers, security } = lent.settings;
    const isOpen = callers.length === 0 && security === undefined;
    const who = isOpen ? ', everybody may call' : '';
    lent.connection('listening', `${membership.place}${path.source}${who}`);
    return { close: () => membership.leave() };
  },
  test: (lent, step) => trySoapIn(lent, step),
});

async function endpointOf(lent: LentInbound<typeof soapInSettings>): Promise<SoapEndpoint> {
  const { settings } = lent;
  const described = await describedBy(settings);
  const { callers, security } = settings;
  const schemes = schemesOf(lent, callers);
  return new SoapEndpoint(lent, {
    described,
    access: schemes.length === 0 ? [] : [[{ schemes, scopes: [] }]],
    guard: security === undefined ? undefined : await EnvelopeGuard.open(lent, security),
    versions: versionsOf(settings, described),
  });
}

/** Throws a DisableError for the faults that `check` reports. */
async function describedBy(settings: SoapInValues): Promise<ReadPort | undefined> {
  const faults: SettingsFault[] = [];
  const described = await soapInFaults(settings, faults);
  const disabled = disabledBy(faults);
  if (disabled !== undefined) throw disabled;
  return described;
}

function versionsOf(
  { version }: SoapInValues,
  described: ReadPort | undefined,
): readonly SoapVersion[] {
  if (version === 'both') return ['1.1', '1.2'];
  if (version !== 'auto') return [version];
  return described === undefined ? ['1.1', '1.2'] : [described.port.version];
}

/** Checks that the port is free, the certificate works, the WSDL can be read, and the means of checking callers exist. */
async function trySoapIn(lent: Lent<typeof soapInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await step('WSDL', (detail) =>
    explained(async () => {
      const described = await describedBy(settings);
      if (described === undefined) detail('there is none: every element is accepted', 'untried');
      else {
        const { name, version, operations } = described.port;
        detail(`port ${name}, SOAP ${version}, ${operations.length} operations`);
      }
    }),
  );
  const { security } = settings;
  const callers = settings.callers.filter((one) => one !== undefined);
  if (callers.length === 0 && security === undefined) return;
  await step('sign-in', (detail) =>
    explained(async () => {
      const names = callers.flatMap((one) => one.credentials);
      await Promise.all(names.map((name) => lent.credential(name)));
      const verifiers = callers.flatMap((one) => one.verifier ?? []);
      await Promise.all(verifiers.map((name) => lent.verifier(name)));
      if (security !== undefined) await EnvelopeGuard.open(lent, security);
      const users = security?.users.length ?? 0;
      detail(
        `${names.length + users} credentials and ${verifiers.length} verifiers can be read${security?.trust === undefined ? '' : '; signatures are checked'}`,
      );
    }),
  );
}

/** Problems between the settings, and in the WSDL; the port to serve, if there is one. */
async function soapInFaults(
  settings: SoapInValues,
  faults: SettingsFault[],
): Promise<ReadPort | undefined> {
  const { wsdl, port, receipt, answer } = settings;
  faults.push(...callerFaults(settings));
  if (receipt !== undefined && !isXml(receipt)) {
    faults.push({
      path: ['receipt'],
      what: 'is no XML element',
      remedy: 'Write one with its namespace.',
    });
  }
  if (wsdl === undefined) {
    if (port !== undefined) {
      const what = 'it has no effect without a wsdl';
      faults.push({ path: ['port'], what, remedy: 'Name the WSDL under wsdl.' });
    }
    return undefined;
  }
  const read = await readPort({ wsdl, port }, faults);
  const answered = read?.port.operations.find(({ output }) => output !== undefined);
  if (answered !== undefined && answer === 'stored' && receipt === undefined) {
    faults.push({
      path: ['answer'],
      what: `the operation ${answered.name} has an answer, and stored gives an empty one`,
      remedy: 'Say answer: target, or write the answer under receipt.',
      severity: 'warning',
    });
  }
  return read;
}

function callerFaults({ callers, tls, security }: SoapInValues): readonly SettingsFault[] {
  const faults = certificateFaults({ callers, tls });
  const { users = [], trust, timestamp } = security ?? {};
  if (security !== undefined && users.length === 0 && trust === undefined && timestamp !== true) {
    faults.push({
      path: ['security'],
      what: 'it asks for nothing',
      remedy: 'Say users, trust or timestamp, or leave it out.',
    });
  }
  return faults;
}

function isXml(text: string): boolean {
  try {
    readXml(Buffer.from(text));
    return true;
  } catch {
    // DOCUMENT_UNREADABLE, which tells a person no more than this
    return false;
  }
}
