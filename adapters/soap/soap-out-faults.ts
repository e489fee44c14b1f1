import type { SettingsFault } from 'waybill/adapter';
import { suggestion } from './operation-for.ts';
import type { SecurityValues } from './security/security-settings.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import { readPort } from './wsdl/read-port.ts';
import type { WsdlPort } from './wsdl/wsdl.ts';

/** Problems between the settings, and in the WSDL; the port to call, if there is one. */
export async function soapOutFaults(
  settings: SoapOutValues,
  faults: SettingsFault[],
): Promise<WsdlPort | undefined> {
  const { wsdl, port: wanted, url, operation, security, redirects } = settings;
  if (security !== undefined) faults.push(...securityFaults(security, redirects));
  if (wsdl === undefined) {
    faults.push(...withoutWsdl(settings), ...openPassword(settings, undefined));
    return undefined;
  }
  const read = await readPort({ wsdl, port: wanted }, faults);
  if (read === undefined) return undefined;
  const { port } = read;
  if (url === undefined && !isWebAddress(port.address)) {
    faults.push({
      path: ['url'],
      what: 'is needed, since the WSDL has no web address for the port',
      remedy: 'Say where the service is.',
    });
  }
  faults.push(...versionFaults(settings, port), ...openPassword(settings, port));
  const name = operation?.source;
  const isFixed = name !== undefined && !name.includes('{');
  if (isFixed && !port.operations.some((one) => one.name === name)) {
    faults.push({
      path: ['operation'],
      what: `the WSDL has no operation ${name}`,
      remedy: suggestion(name, port.operations),
    });
  }
  return port;
}

/** A password that anybody on the way can read. */
function openPassword(
  { security, url }: SoapOutValues,
  port: WsdlPort | undefined,
): readonly SettingsFault[] {
  const isSent = security?.username !== undefined && security.proof === 'text';
  const address = url?.beginning.href ?? port?.address ?? '';
  if (!isSent || !/^http:/i.test(address)) return [];
  return [
    {
      path: ['security', 'proof'],
      what: 'text sends the password itself, and the address is not https',
      remedy: 'Say proof: digest, or an https address.',
      severity: 'warning',
    },
  ];
}

const isWebAddress = (address = ''): boolean =>
  /^https?:\/\/[^/]/i.test(address) && URL.canParse(address);

function withoutWsdl({
  url,
  operation,
  port,
  action,
  addressing,
}: SoapOutValues): readonly SettingsFault[] {
  const remedy = 'Save the WSDL beside the production and name it under wsdl.';
  const unused = [...(operation ? ['operation'] : []), ...(port === undefined ? [] : ['port'])];
  return [
    ...(url === undefined
      ? [{ path: ['url'], what: 'is needed without a wsdl', remedy: 'Say where the service is.' }]
      : []),
    ...(addressing === 'none' || action !== undefined
      ? []
      : [
          {
            path: ['action'],
            what: 'is needed for addressing without a wsdl',
            remedy: 'Say which action the service expects.',
          },
        ]),
    ...unused.map((name) => ({ path: [name], what: 'it has no effect without a wsdl', remedy })),
  ];
}

function versionFaults({ version }: SoapOutValues, port: WsdlPort): readonly SettingsFault[] {
  if (version === 'auto' || version === port.version) return [];
  return [
    {
      path: ['version'],
      what: `the port ${port.name} of the WSDL is for SOAP ${port.version}`,
      remedy: 'Leave version out, or name another port.',
      severity: 'warning',
    },
  ];
}

function securityFaults(
  security: SecurityValues,
  redirects: SoapOutValues['redirects'],
): readonly SettingsFault[] {
  const { username, certificate, timestamp, answers, trust } = security;
  const faults: SettingsFault[] = [];
  const tell = (path: readonly string[], what: string, remedy: string, warning = false): void => {
    faults.push({ path, what, remedy, ...(warning && { severity: 'warning' as const }) });
  };
  const isEmpty = username === undefined && certificate === undefined && timestamp === undefined;
  if (isEmpty && answers === 'any') {
    tell(
      ['security'],
      'it asks for nothing',
      'Say username, certificate or timestamp, or leave it out.',
    );
  }
  if (certificate !== undefined && timestamp === undefined) {
    const what = 'is missing: a signed request without a time could be sent again by anybody';
    tell(['security', 'timestamp'], what, 'Say timestamp: 5m.', true);
  }
  if (answers === 'signed' && trust === undefined) {
    const what = 'is needed for answers: signed';
    tell(['security', 'trust'], what, 'Name the file with the certificates that may sign.');
  }
  if (username !== undefined && redirects === 'any') {
    const what = 'a redirect to another host would be given the user name token';
    tell(['redirects'], what, 'Say never or same-host.');
  }
  return faults;
}
