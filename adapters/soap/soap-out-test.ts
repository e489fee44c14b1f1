import { explained, type Lent, type SettingsFault, type Step, StepFailure } from 'waybill/adapter';
import { disabledBy, type HttpAnswer, HttpClient, mediaTypeOf, tryHttp } from 'waybill/peer';
import { proofsOf } from './security/security-header.ts';
import type { SecurityValues } from './security/security-settings.ts';
import { soapOutFaults } from './soap-out-faults.ts';
import type { soapOutSettings } from './soap-out-settings.ts';
import type { WsdlPort } from './wsdl/wsdl.ts';

type Trying = Lent<typeof soapOutSettings>;

/** The WSDL, the keys, the steps of a web client, and whether the service still has the operations of the WSDL. No message is sent. */
export async function trySoapOut(lent: Trying, step: Step): Promise<void> {
  const { settings } = lent;
  const port = await step('WSDL', (detail) => explained(() => wsdlStep(lent, detail)));
  const { security } = settings;
  if (security !== undefined) {
    await step('security', (detail) =>
      explained(async () => {
        const { account, key } = await proofsOf(lent, security);
        detail(proofText(security, account?.user, key?.algorithm));
      }),
    );
  }
  const url = settings.url?.beginning ?? new URL(port?.address ?? '');
  const exact = settings.url?.fixed ?? true;
  await tryHttp(lent, step, {
    values: settings,
    trial: { url, method: 'OPTIONS', exact, proves: isSoap },
  });
  if (port === undefined || !exact) return;
  await step('operations', (detail) =>
    explained(() => operationsStep({ lent, port, url }, detail)),
  );
}

/** Many services answer a fault with status 500 to all but a POST. */
const isSoap = ({ body }: HttpAnswer): string | undefined =>
  /<(?:[\w-]{1,40}:)?Envelope[\s>]/.test(body.toString('latin1', 0, 2_048))
    ? 'a SOAP service answers'
    : undefined;

type Detail = Parameters<Parameters<Step>[1]>[0];

async function wsdlStep({ settings }: Trying, detail: Detail): Promise<WsdlPort | undefined> {
  const faults: SettingsFault[] = [];
  const port = await soapOutFaults(settings, faults);
  const disabled = disabledBy(faults);
  if (disabled !== undefined) throw disabled;
  if (port === undefined)
    detail('there is none: the address and the action are those of the settings', 'untried');
  else detail(`port ${port.name}, SOAP ${port.version}, ${port.operations.length} operations`);
  return port;
}

function proofText(
  { timestamp, sign, answers }: SecurityValues,
  user: string | undefined,
  algorithm: string | undefined,
): string {
  return [
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(algorithm === undefined
      ? []
      : [`signs ${sign.join(', ')} with ${algorithm.slice(algorithm.indexOf('#') + 1)}`]),
    ...(timestamp === undefined ? [] : ['with a timestamp']),
    `answers: ${answers}`,
  ].join('; ');
}

/** What a service shows of itself; many show nothing, which proves nothing. */
async function operationsStep(
  { lent, port, url }: { readonly lent: Trying; readonly port: WsdlPort; readonly url: URL },
  detail: Detail,
): Promise<void> {
  const client = await HttpClient.open(lent, lent.settings);
  const asked = new URL(url);
  asked.search = 'wsdl';
  try {
    const answer = await client.ask({
      method: 'GET',
      url: asked,
      headers: { accept: 'text/xml, application/wsdl+xml' },
      signal: lent.signal,
    });
    const text = answer.body.toString('utf8');
    const isWsdl =
      answer.status === 200 &&
      /xml/.test(mediaTypeOf(answer.headers['content-type']).type) &&
      /<(?:[\w-]+:)?definitions[\s>]/.test(text);
    if (!isWsdl) {
      detail(`the service does not show its WSDL (${answer.status})`, 'untried');
      return;
    }
    const missing = port.operations.filter(({ name }) => !text.includes(`"${name}"`));
    // it may import the port type from elsewhere
    if (missing.length > 0 && /<(?:[\w-]+:)?portType[\s>]/.test(text)) {
      throw new StepFailure(
        `the service has no operation ${missing.map(({ name }) => name).join(', ')}`,
        'Save its newest WSDL beside the production',
      );
    }
    detail('the service has the operations of the WSDL');
  } finally {
    await client.close();
  }
}
