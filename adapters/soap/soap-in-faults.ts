import type { SettingsFault } from 'waybill/adapter';
import type { SoapInValues } from './soap-in-settings.ts';
import { type ReadPort, readPort } from './wsdl/read-port.ts';
import { readXml } from './xml.ts';

/** Problems between the settings, and in the WSDL; the port to serve, if there is one. */
export async function soapInFaults(
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
  const faults: SettingsFault[] = [];
  const needsCertificate = callers.some((one) => one?.kind === 'certificate');
  if (needsCertificate && (tls?.clientCertificate ?? 'none') === 'none') {
    faults.push({
      path: ['callers'],
      what: 'kind certificate needs a client certificate, but none is requested',
      remedy: 'Set clientCertificate: requested or required under tls.',
    });
  }
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
    // DOCUMENT_UNREADABLE, which says no more to a person than this
    return false;
  }
}
