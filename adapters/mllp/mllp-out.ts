import { LRUCache } from 'lru-cache';
import { type Lent, type Message, type OpenOutbound, outbound, type Reply } from 'waybill/adapter';
import { newsFilter, PeerLink, placeOf, probe } from 'waybill/peer';
import { mllpOutSettings } from './mllp-out-settings.ts';
import { outgoingMessage } from './outgoing-message.ts';
import { PeerConnection } from './peer-connection.ts';

type LentHere = Lent<typeof mllpOutSettings>;

export default outbound({
  type: 'mllp-out',
  title: 'HL7 v2 over MLLP, sending',
  summary: 'Sends each HL7 v2 message to a TCP port and returns its acknowledgement.',
  settings: mllpOutSettings,
  // Those that only warn come first, so that they are reported along with the code that decides.
  replies: {
    'wrong-control-id': 'warn',
    AA: 'complete',
    CA: 'complete',
    AE: 'suspend',
    CE: 'suspend',
    AR: ['retry', 'fail'],
    CR: ['retry', 'fail'],
    'no-code': 'suspend',
    'wrong-type': 'complete',
    none: 'retry',
    other: 'suspend',
  },
  // The line is held as long as it takes: a receiver that is away must not cost a message.
  retry: { for: Number.POSITIVE_INFINITY },
  async open(lent) {
    const link = new MllpLink(lent);
    await link.open();
    return link;
  },
  test: ({ settings, ...lent }, step) =>
    probe(lent, step, { address: settings.connect, tls: settings.tls, silent: true }),
});

/** How many control ids are remembered: an answer that comes after more messages than this counts as unknown. */
const REMEMBERED = 1_000;

/** Sends messages to one peer, and reports acknowledgements that belong to none of them. */
class MllpLink implements OpenOutbound {
  readonly #lent: LentHere;
  readonly #place: string;
  readonly #link: PeerLink<PeerConnection>;
  readonly #isNews = newsFilter();

  constructor(lent: LentHere) {
    const { settings, log, isRuled } = lent;
    this.#lent = lent;
    this.#place = placeOf(settings.connect);
    const options = {
      place: this.#place,
      settings,
      log,
      sent: new LRUCache<string, true>({ max: REMEMBERED }),
      // the only answer on a connection for one message cannot belong to another
      takesStrange: settings.stayConnected === 0 || isRuled?.('wrong-control-id') === true,
      onAside: (whose: 'earlier' | 'unknown') => this.#setAside(whose),
    };
    this.#link = new PeerLink(lent, (socket) => new PeerConnection(socket, options));
  }

  open(): Promise<void> {
    return this.#link.open();
  }

  send({ body }: Message, signal: AbortSignal): Promise<Reply | undefined> {
    const { framing } = this.#lent.settings;
    return this.#link.send(signal, async (connection) =>
      connection.exchange(await outgoingMessage(body, framing), signal),
    );
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #setAside(whose: 'earlier' | 'unknown'): void {
    const what =
      whose === 'earlier'
        ? 'a late or repeated acknowledgement of an earlier message arrived'
        : 'an acknowledgement of an unknown message arrived (MSA-2 is not its MSH-10)';
    this.#lent.log.debug({ peer: this.#place, whose }, 'acknowledgement set aside');
    if (!this.#isNews(whose)) return;
    const text = `${this.#place}: ${what}; it was set aside.`;
    this.#lent.event('warn', 'acknowledgement-set-aside', text);
  }
}
