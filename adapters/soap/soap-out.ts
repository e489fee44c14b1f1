import {
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  type SettingsFault,
} from 'waybill/adapter';
import { disabledBy, HttpClient, UnderWay } from 'waybill/peer';
import { type AnswerBelief, beliefOf } from './security/check-answer.ts';
import { type Proofs, proofsOf } from './security/security-header.ts';
import { soapOutFaults } from './soap-out-faults.ts';
import { soapOutSettings } from './soap-out-settings.ts';
import { trySoapOut } from './soap-out-test.ts';
import { soapReply } from './soap-reply.ts';
import { soapRequest } from './soap-request.ts';
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
    // It does not get better by itself.
    Client: 'fail',
    Sender: 'fail',
    MustUnderstand: 'suspend',
    DataEncodingUnknown: 'suspend',
    Server: ['retry', 'fail'],
    Receiver: ['retry', 'fail'],
    // what .NET says of an exception that nobody caught
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

interface SenderParts {
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

  private constructor(lent: LentHere, client: HttpClient, { port, proofs, belief }: SenderParts) {
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
    // in base64, what is binary takes a third more
    const limit = settings.replyLimit * 1.5;
    return soapReply(answer, asked, { settings, belief: this.#belief, limit });
  }
}
