import {
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  type Reply,
  type SettingsFault,
  type Step,
  StepFailure,
  SuspendError,
  setting,
  stepFailure,
} from 'waybill/adapter';
import { dial, newsFilter, placeOf, probe, UnderWay } from 'waybill/peer/basics';
import { tlsClient } from 'waybill/peer/tls';
import { deviceLink } from './devices.ts';
import { framesOf } from './frame.ts';
import { AstmLink } from './link.ts';
import { linkSettings } from './link-settings.ts';
import { messageProblem } from './message.ts';

const where = {
  through: setting.optional(
    setting.text({
      help: 'The name of the astm-in service whose connection to the device is used: a device usually has one for both directions. Both run on the same engine.',
      example: 'analyser',
    }),
  ),
  device: setting.optional(
    setting.text({
      help: 'With through, the address of the device, if several are connected to that service.',
      example: '10.1.2.3',
    }),
  ),
  connect: setting.optional(
    setting.address({
      help: 'Address and port of the device, or of the receiving system, for a separate connection instead of through.',
      example: 'lis.example:4010',
    }),
  ),
  tls: tlsClient(),
  connectTimeout: setting.duration({
    help: 'How long connecting may take, TLS included.',
    default: '5s',
    advanced: true,
  }),
};

const astmOutSettings = { ...where, ...linkSettings };

type AstmOutValues = setting.ValuesOf<typeof astmOutSettings>;

function astmOutFaults({ through, connect, device, tls }: AstmOutValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if ((through === undefined) === (connect === undefined)) {
    const what = connect === undefined ? 'is missing' : 'does not go with through';
    wrong('connect', what, 'Name the astm-in service under through, or an address here, not both.');
  }
  if (through === undefined && device !== undefined) {
    wrong('device', 'has no effect without through', 'Remove it.');
  }
  if (through !== undefined && tls !== undefined) {
    wrong('tls', 'has no effect with through', 'Set it at the service that through names.');
  }
  return faults;
}

type LentHere = Lent<typeof astmOutSettings>;

export default outbound({
  type: 'astm-out',
  title: 'ASTM E1381 and E1394 (LIS01, LIS02), to laboratory devices',
  summary:
    'Sends messages such as orders to laboratory devices over TCP, on a separate connection or on the one that an astm-in service has with the device.',
  settings: astmOutSettings,
  replies: {
    ACK: 'complete',
    BUSY: ['retry', 'fail'],
    NAK: ['retry', 'suspend'],
    none: 'retry',
    other: 'suspend',
  },
  // The queue is held for as long as it takes: a device that is switched off must not cost a message.
  retry: { for: Number.POSITIVE_INFINITY },
  check: (settings) => Promise.resolve(astmOutFaults(settings)),
  async open(lent) {
    const sender = new DeviceSender(lent);
    await sender.open();
    return sender;
  },
  test: (lent, step) => tryDevice(lent, step),
});

/** Sends one message after the other: a device has one line. */
class DeviceSender implements OpenOutbound {
  readonly #lent: LentHere;
  readonly #sending = new UnderWay();
  readonly #isNews = newsFilter();
  #own: AstmLink | undefined;
  #dialling: Promise<AstmLink> | undefined;
  #closing = false;

  constructor(lent: LentHere) {
    this.#lent = lent;
  }

  /** Throws NotConnectedError if there is no device, so that operators see it before a message needs it. */
  async open(): Promise<void> {
    const { signal } = this.#lent;
    await this.#link(signal);
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  send(message: Message, signal: AbortSignal): Promise<Reply> {
    return this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#sending.ended();
    this.#lent.signal.removeEventListener('abort', this.#abort);
    await this.#own?.end();
  }

  readonly #abort = (): void => this.#own?.destroy();

  async #send({ body }: Message, signal: AbortSignal): Promise<Reply> {
    const bytes = await body.bytes();
    const problem = messageProblem(bytes);
    if (problem !== undefined) {
      const what = problem === 'not-astm' ? 'it does not begin with a header record (H)' : problem;
      throw new SuspendError(
        `The body is not an ASTM message that can be sent: ${what}. Correct the transform that makes it, and resend.`,
      );
    }
    const link = await this.#link(signal);
    const code = await link.send(framesOf(bytes, this.#lent.settings.frameText), signal);
    return { body: new Uint8Array(), type: 'text/plain', code, text: TEXTS[code] };
  }

  async #link(signal: AbortSignal): Promise<AstmLink> {
    const { through: service, device } = this.#lent.settings;
    if (service !== undefined) {
      const link = deviceLink({ production: this.#lent.production, service, device });
      this.#lent.connection('connected', `${link.sender.address}, through ${service}`);
      return link;
    }
    if (this.#own?.usable === true) return this.#own;
    this.#dialling ??= this.#dial().finally(() => {
      this.#dialling = undefined;
    });
    const link = await this.#dialling;
    signal.throwIfAborted();
    return link;
  }

  async #dial(): Promise<AstmLink> {
    const { settings, signal, event, connection } = this.#lent;
    const { connect: address, tls, connectTimeout: timeout } = settings;
    // `astmOutFaults` checks this, but a production may be started without a check
    if (address === undefined)
      throw new NotConnectedError('connect is missing. Set it, or through.');
    const socket = await dial(this.#lent, { address, tls, timeout }, signal);
    const place = placeOf(address);
    const link = new AstmLink(socket, {
      sender: { address: place, origin: place },
      values: settings,
      taker: undefined,
      tell: (name, text) => {
        if (this.#isNews(name)) event('warn', name, text);
      },
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    this.#own = link;
    connection('connected', place);
    link.onClose((refused) => {
      if (refused !== undefined) event('error', 'tls-refused', refused);
      if (!this.#closing) connection('waiting', `${place}, connects for the next message`);
    });
    return link;
  }
}

/** The meaning of reply codes, for the trace. */
const TEXTS = {
  ACK: 'The device accepted every frame',
  NAK: 'The device refused a frame each time',
  BUSY: 'The device accepts nothing now',
} as const;

async function tryDevice({ settings, production, ...lent }: LentHere, step: Step): Promise<void> {
  const { through: service, device, connect: address, tls } = settings;
  if (service !== undefined) {
    await step('device', (detail) => {
      try {
        const { sender } = deviceLink({ production, service, device });
        detail(`${sender.address} is connected to ${service}`);
      } catch (error) {
        throw stepFailure(error);
      }
    });
    return;
  }
  if (address === undefined) {
    throw new StepFailure('connect is missing', 'Set it, or through');
  }
  await probe(lent, step, { address, tls, silent: true, hello: false });
}
