import {
  background,
  inbound,
  isTold,
  type LentInbound,
  type NewMessage,
  type Receipt,
  setting,
} from 'waybill/adapter';
import { newsFilter } from 'waybill/peer/basics';
import {
  arrivalFaults,
  arrivalSettings,
  connectionCounts,
  openArrival,
  type Sender,
  tryArrival,
} from 'waybill/peer/tcp';
import { joined } from './devices.ts';
import { framesOf } from './frame.ts';
import { AstmLink, type Taker } from './link.ts';
import { linkSettings } from './link-settings.ts';
import { messageProblem } from './message.ts';

const answering = {
  answer: setting.choice(
    {
      none: 'Nothing but the acknowledgements of the low-level protocol',
      target:
        'The answer of the target, if it is an ASTM message: sent to the device after its transmission. For devices that query their orders (Q)',
    },
    { help: 'What is sent back to a device.', default: 'none' },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target.',
    default: '30s',
    advanced: true,
  }),
};

const content = {
  charset: setting.optional(
    setting.text({ help: 'The text encoding of the messages.', example: 'ISO-8859-1' }),
  ),
  repetitions: setting.choice(
    {
      once: 'The same bytes within duplicateWindow are stored once; a query (Q) counts each time',
      each: 'Each message counts, also one with the same bytes as another',
    },
    {
      help: 'What happens to a repeated message, such as from a device that lost the connection before it received the last acknowledgement.',
      default: 'once',
      advanced: true,
    },
  ),
};

const limits = {
  limit: setting.size({
    help: 'The largest message that is accepted; a larger one closes the connection.',
    default: '10MB',
    advanced: true,
  }),
  maxJunk: setting.size({
    help: 'How many bytes outside frames are skipped before the connection is closed.',
    default: '64KB',
    advanced: true,
  }),
  idleTimeout: setting.duration({
    help: 'How long a connection may be silent before it is closed.',
    default: 'forever',
    advanced: true,
  }),
};

const astmInSettings = {
  ...arrivalSettings(4010),
  ...answering,
  ...content,
  ...connectionCounts,
  ...limits,
  ...linkSettings,
};

type AstmInValues = setting.ValuesOf<typeof astmInSettings>;

export default inbound({
  type: 'astm-in',
  title: 'ASTM E1381 and E1394 (LIS01, LIS02), from laboratory devices',
  summary:
    'Receives messages from laboratory devices over TCP, listening or connecting to them, and answers their queries.',
  settings: astmInSettings,
  // The device has only one connection: two engines would take it from each other.
  pollsWith: ({ callOut }) => callOut !== undefined,
  check: (settings) => Promise.resolve(arrivalFaults(settings)),
  async open(lent) {
    const taker = new AstmIntake(lent);
    return await openArrival(lent, (socket, sender, isNews) => {
      const { host, production, settings } = lent;
      const link = new AstmLink(socket, {
        sender,
        values: settings,
        taker,
        tell: teller(lent, isNews, sender.address),
        idleTimeout: settings.idleTimeout,
      });
      joined(production, host, link);
      return link;
    });
  },
  test: (lent, step) => tryArrival(lent, step),
});

function teller(
  { event, log }: Pick<LentInbound<typeof astmInSettings>, 'event' | 'log'>,
  isNews: (key: string) => boolean,
  address: string,
): (name: string, text: string) => void {
  return (name, text) => {
    if (isNews(`${address} ${name}`)) event('warn', name, text);
    log.debug({ peer: address, reason: name }, 'trouble with a device');
  };
}

type IntakeLent = Pick<
  LentInbound<typeof astmInSettings>,
  'deliver' | 'event' | 'log' | 'settings' | 'signal'
>;

/** How often sending the answer of a target is tried while the device is busy. */
const MOST_TRIES = 6;

/** Stores the messages of devices, and sends the devices the answers of the targets. One for each service. */
class AstmIntake implements Taker {
  readonly limit: number;
  readonly maxJunk: number;
  readonly #lent: IntakeLent;
  readonly #settings: AstmInValues;
  readonly #isNews = newsFilter();

  constructor(lent: IntakeLent) {
    this.#lent = lent;
    this.#settings = lent.settings;
    this.limit = lent.settings.limit;
    this.maxJunk = lent.settings.maxJunk;
  }

  async store(body: Buffer, link: AstmLink): Promise<boolean> {
    const message = this.#messageOf(body, link.sender);
    try {
      if (this.#settings.answer === 'none') {
        await this.#lent.deliver(message);
        return true;
      }
      return await this.#deliverAndAnswer(message, link);
    } catch (error) {
      // The engine reports why; the device gets NAK, and sends the frame again.
      this.#lent.log.debug({ err: error }, 'message not stored');
      return false;
    }
  }

  /** Resolves once the message is stored: the device waits for its acknowledgement, and for the answer after it has ended. */
  async #deliverAndAnswer(message: NewMessage, link: AstmLink): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const timeout = this.#settings.answerTimeout;
    const options = { reply: true, timeout, stored: () => resolve(true) };
    const answered = async (): Promise<void> => {
      let receipt: Receipt;
      try {
        receipt = await this.#lent.deliver(message, options);
      } catch (error) {
        reject(error);
        return;
      }
      resolve(true);
      await this.#passOn(receipt, link);
    };
    background(answered(), 'answering a device', isTold);
    return await promise;
  }

  async #passOn({ reply, outcome }: Receipt, link: AstmLink): Promise<void> {
    const isFine = outcome === undefined || /^(completed|discarded)$/.test(outcome.status);
    if (reply === undefined || reply.body.length === 0 || !isFine) return;
    const problem = messageProblem(reply.body);
    // a target's own kind of confirmation is not for the device
    if (problem === 'not-astm') return;
    if (problem !== undefined) {
      this.#tell(link.sender, `The answer for ${link.sender.address} was not sent: ${problem}.`);
      return;
    }
    try {
      await this.#sendAnswer(reply.body, link);
    } catch (error) {
      if (!isTold(error)) throw error;
      const text = error instanceof Error ? error.message : '';
      this.#tell(link.sender, `The answer for ${link.sender.address} was not sent: ${text}`);
    }
  }

  async #sendAnswer(body: Uint8Array, link: AstmLink): Promise<void> {
    const frames = framesOf(body, this.#settings.frameText);
    for (let left = MOST_TRIES; left > 0; left--) {
      const sent = await link.send(frames, this.#lent.signal);
      if (sent === 'ACK') return;
      if (sent === 'NAK') break;
    }
    const { address } = link.sender;
    this.#tell(
      link.sender,
      `${address} did not accept the answer to its query. It will ask again.`,
    );
  }

  #messageOf(body: Buffer, { origin }: Sender): NewMessage {
    const { charset, repetitions } = this.#settings;
    const isQuery = /(^|\r)Q/.test(body.toString('latin1'));
    return {
      body,
      type: 'application/astm',
      charset,
      origin,
      // an order may have arrived between two equal queries
      dedupeKey: repetitions === 'once' && !isQuery ? 'its bytes' : undefined,
    };
  }

  #tell({ address }: Sender, text: string): void {
    if (this.#isNews(`${address} ${text}`)) this.#lent.event('warn', 'answer-not-sent', text);
  }
}
