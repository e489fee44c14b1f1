import {
  explained,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  type SettingsFault,
  type Step,
  StepFailure,
} from 'waybill/adapter';
import { disabledBy, UnderWay } from 'waybill/peer/basics';
import { type HttpAnswer, HttpClient, mediaTypeOf, tryHttp } from 'waybill/peer/http';
import { suggestion } from './operation-for.ts';
import { type AnswerBelief, beliefOf } from './security/check-answer.ts';
import { type Proofs, proofsOf } from './security/security-header.ts';
import type { SecurityValues } from './security/security-settings.ts';
import { type SoapOutValues, soapOutSettings } from './soap-out-settings.ts';
import { soapReply } from './soap-reply.ts';
import { soapRequest } from './soap-request.ts';
import { readPort } from './wsdl/read-port.ts';
import type { WsdlPort } from './wsdl/wsdl.ts';

export default outbound({
  type: 'soap-out',
  title: 'SOAP, calling',
  summary: 'Calls a web service with each message and returns its answer.',
  settings: soapOutSettings,
  replies: {
    // the answer relates to another message
    'wrong-control-id': 'suspend',
    '2xx': 'complete',
    NotSOAP: 'suspend',
    NotSigned: 'suspend',
    // Every message would be refused, and repeated tries lock accounts.
    FailedAuthentication: 'stop',
    'Client.FailedAuthentication': 'stop',
    'Sender.FailedAuthentication': 'stop',
    VersionMismatch: 'stop',
    // It does not mend itself.
    Client: 'fail',
    Sender: 'fail',
    MustUnderstand: 'suspend',
    DataEncodingUnknown: 'suspend',
    Server: ['retry', 'fail'],
    Receiver: ['retry', 'fail'],
    // .NET's code for an uncaught exception
    InternalServiceFault: ['retry', 'fail'],
    '408': ['retry', 'fail'],
    '425': ['retry', 'fail'],
    '429': ['retry', 'fail'],
    '401': 'stop',
    '407': 'stop',
    '4xx': 'fail',
    '501': 'fail',
    '505': 'fail',
    '5xx': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  check: async (settings) => {
    const faults: SettingsFault[] = [];
    await soapOutFaults(settings, faults);
    return faults;
  },
  open: (lent) => SoapSender.open(lent),
  test: (lent, step) => trySoapOut(lent, step),
});

interface SoapSenderOptions {
  readonly port: WsdlPort | undefined;
  readonly proofs: Proofs;
  readonly belief: AnswerBelief | undefined;
}

type LentHere = Lent<typeof soapOutSettings>;

/** Turns messages into calls of one service and answers into replies. */
class SoapSender implements OpenOutbound {
  readonly #lent: LentHere;
  readonly #client: HttpClient;
  readonly #port: WsdlPort | undefined;
  readonly #proofs: Proofs;
  readonly #belief: AnswerBelief | undefined;
  readonly #sending = new UnderWay();

  private constructor(
    lent: LentHere,
    client: HttpClient,
    { port, proofs, belief }: SoapSenderOptions,
  ) {
    this.#lent = lent;
    this.#client = client;
    this.#port = port;
    this.#proofs = proofs;
    this.#belief = belief;
  }

  static async open(lent: LentHere): Promise<SoapSender> {
    const faults: SettingsFault[] = [];
    const port = await soapOutFaults(lent.settings, faults);
    const disabled = disabledBy(faults);
    if (disabled !== undefined) throw disabled;
    const { security } = lent.settings;
    const proofs = await proofsOf(lent, security);
    const belief = await beliefOf(security);
    const client = await HttpClient.open(lent, lent.settings);
    return new SoapSender(lent, client, { port, proofs, belief });
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#client.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const { settings, production, host } = this.#lent;
    const [port, proofs] = [this.#port, this.#proofs];
    const asked = await soapRequest(message, { settings, production, host, port, proofs });
    const answer = await this.#client.ask({ ...asked.request, signal });
    // in base64, binary data takes a third more
    const limit = settings.replyLimit * 1.5;
    return soapReply(answer, asked, { settings, belief: this.#belief, limit });
  }
}

type Trying = Lent<typeof soapOutSettings>;

/** The WSDL, the keys, the steps of a web client, and whether the service still has the operations of the WSDL. No message is sent. */
async function trySoapOut(lent: Trying, step: Step): Promise<void> {
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

/** Many services answer everything but a POST with a fault and status 500. */
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

/** The WSDL that a service publishes; many publish none, which proves nothing. */
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

/** Problems between the settings, and in the WSDL; the port to call, if there is one. */
async function soapOutFaults(
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
