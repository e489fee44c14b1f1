import type { Socket } from 'node:net';
import {
  EngineError,
  type Message,
  NotConnectedError,
  outbound,
  type Reply,
  type SettingsFault,
  setting,
  TemporaryError,
} from 'waybill/adapter';
import { asBuffer, placeOf, probe, spokenProtocol } from 'waybill/peer/basics';
import { codedReply, judgedAsEdi, REPLY_PATTERNS, replyCodes } from 'waybill/peer/reply';
import {
  ExchangeConnection,
  type FrameSource,
  type LinkedConnection,
  PeerLink,
  peerAddress,
  replyLimit,
  sendingTimes,
  UNLIMITED,
} from 'waybill/peer/tcp';
import { tlsClient } from 'waybill/peer/tls';
import { FixedReader } from './counted-reader.ts';
import { type Framing, framingOf } from './framing.ts';
import { framingFaults, framingOut, lineEnds } from './framing-settings.ts';
import { MarkedReader } from './marked-reader.ts';
import { UntilClosedReader } from './until-closed-reader.ts';

const answers = {
  reply: setting.choice(
    {
      none: 'No answer is awaited: a message is done once it is written',
      framed: 'One that is framed like the messages',
      line: 'One line, whatever ends it',
      bytes: 'So many bytes (replyBytes), such as one ACK',
      closed: 'Everything until the peer closes the connection',
    },
    { help: 'Which answer from the peer to wait for.', default: 'none' },
  ),
  replyBytes: setting.integer({
    help: 'With reply: bytes, how many bytes an answer has.',
    default: 1,
    minimum: 1,
    maximum: 65_536,
  }),
  ...replyCodes,
  replyTimeout: setting.duration({
    help: 'How long to wait for an answer. Then the connection is closed, so that a late one is never taken for that of the next message.',
    default: '30s',
  }),
  replyLimit,
};

const tcpOutSettings = {
  connect: peerAddress('device.example:4000'),
  tls: tlsClient(),
  ...framingOut,
  ...answers,
  ...sendingTimes,
};

type TcpOutValues = setting.ValuesOf<typeof tcpOutSettings>;

function tcpOutFaults(settings: TcpOutValues): SettingsFault[] {
  const faults = framingFaults(settings);
  if (settings.reply === 'none') {
    for (const name of REPLY_PATTERNS.filter((one) => settings[one] !== undefined)) {
      const remedy = 'Say under reply which answer to wait for, or remove it.';
      faults.push({ path: [name], what: 'has no effect: reply is none', remedy });
    }
  }
  if (settings.framing === 'closed' && settings.reply === 'framed') {
    faults.push({
      path: ['reply'],
      what: 'framed does not go with framing: closed',
      remedy: 'Set reply: closed, which reads the answer until the peer closes.',
    });
  }
  return faults;
}

export default outbound({
  type: 'tcp-out',
  title: 'TCP, sending',
  summary:
    'Sends each message over TCP in any framing (lines, marks such as STX and ETX, a length before each, fixed length), and returns the answer, if one is awaited.',
  settings: tcpOutSettings,
  replies: {
    'wrong-control-id': 'warn',
    accepted: 'complete',
    busy: ['retry', 'fail'],
    refused: 'suspend',
    // for TA1, 997, 999 and CONTRL
    A: 'complete',
    E: ['warn', 'complete'],
    P: 'suspend',
    R: 'suspend',
    none: 'retry',
    other: 'suspend',
  },
  // The queue is held for as long as it takes: a receiver that is away must not cost a message.
  retry: { for: Number.POSITIVE_INFINITY },
  check: (settings) => Promise.resolve(tcpOutFaults(settings)),
  async open(lent) {
    const { settings } = lent;
    const options = {
      place: placeOf(settings.connect),
      settings,
      framing: framingOf(settings),
    };
    const link = new PeerLink(lent, (socket) => new DeviceConnection(socket, options));
    await link.open();
    return {
      send: (message, signal) =>
        link.send(signal, (connection) => connection.exchange(message, signal)),
      close: () => link.close(),
    };
  },
  test: ({ settings, ...lent }, step) =>
    probe(lent, step, { address: settings.connect, tls: settings.tls, silent: true, hello: false }),
});

interface DeviceOptions {
  readonly place: string;
  readonly settings: TcpOutValues;
  readonly framing: Framing;
}

/** One connection to the peer, with at most one message in flight, whose answer is the next thing that arrives. */
class DeviceConnection implements LinkedConnection {
  readonly #options: DeviceOptions;
  readonly #wire: ExchangeConnection<Reply>;
  readonly #reader: FrameSource;
  /** The message in flight; undefined once it has its answer: anything else belongs to nothing. */
  #sent: Message | undefined;

  constructor(socket: Socket, options: DeviceOptions) {
    const { place, settings } = options;
    this.#options = options;
    this.#reader = replyReader(options);
    this.#wire = new ExchangeConnection(socket, {
      place,
      writeTimeout: settings.writeTimeout,
      onData: (chunk) => this.#read(chunk),
      onEnd: () => this.#ended(),
      again: 'it is sent again',
    });
  }

  get usable(): boolean {
    return this.#wire.usable;
  }

  onClose(listener: (refused: string | undefined) => void): void {
    this.#wire.onClose(listener);
  }

  exchange(message: Message, signal: AbortSignal): Promise<Reply | undefined> {
    const { body } = message;
    const { framing, settings } = this.#options;
    const { before, after } = framing.around(body.size);
    const guard = framing.guard();
    const { inline } = body;
    this.#sent = message;
    return this.#wire.exchange(
      {
        before,
        after,
        parts: () =>
          inline === undefined ? guarded(body.stream(), guard) : [guard(asBuffer(inline))],
        ends: framing.endsByClosing,
        answerWithin: settings.reply === 'none' ? undefined : settings.replyTimeout,
        unanswered: () => this.#unanswered(),
      },
      signal,
    );
  }

  end(): Promise<void> {
    return this.#wire.end();
  }

  destroy(): void {
    this.#wire.destroy();
  }

  #read(chunk: Buffer): void {
    // Nothing is asked of such a peer, and what it sends on its own is ignored.
    if (this.#options.settings.reply === 'none') return;
    for (const found of this.#reader.push(chunk)) {
      if (found.kind === 'frame') this.#answered(found.body);
      else if (found.kind === 'too-large') this.#wire.giveUp(this.#tooLarge());
      else if (found.kind === 'broken' || found.kind === 'junk') this.#unreadable(chunk);
    }
    // What came with an answer, or unasked, must not be taken for the answer to the next message.
    if (this.#sent === undefined && this.#reader.open) this.destroy();
  }

  #answered(body: Buffer): void {
    const sent = this.#sent;
    if (sent === undefined) return this.destroy();
    this.#sent = undefined;
    const reply = codedReply(body, this.#options.settings);
    // without a pattern, an acknowledgement itself says what it means
    const judged = reply.code === undefined ? judgedAsEdi(reply, sent) : undefined;
    this.#wire.answered(judged ?? reply);
  }

  /** The end of the connection ends the answer, if that is how answers end. */
  #ended(): void {
    const last = this.#reader.atEnd();
    const { reply } = this.#options.settings;
    if (last !== undefined || reply === 'closed') this.#answered(last ?? Buffer.alloc(0));
  }

  #unreadable(bytes: Buffer): void {
    const { place } = this.#options;
    const spoken = spokenProtocol(bytes);
    this.#wire.giveUp(
      spoken === undefined
        ? new TemporaryError(
            `${place} answered ${bytes.length} bytes that are not framed as an answer should be. Check framing and reply.`,
          )
        : new NotConnectedError(`${place} ${spoken.seen}. ${spoken.remedy}.`),
    );
  }

  #unanswered(): Error {
    const { place, settings } = this.#options;
    const came =
      this.#reader.pending > 0
        ? `${this.#reader.pending} bytes arrived, but not the end of an answer: check reply and framing.`
        : 'It may have the message: if that is sent again, it may get it twice.';
    return new EngineError(
      'REPLY_TIMEOUT',
      `${place} did not answer within ${settings.replyTimeout} ms. ${came}`,
      { retryable: true },
    );
  }

  #tooLarge(): Error {
    const { place, settings } = this.#options;
    return new TemporaryError(
      `${place} sent an answer larger than ${settings.replyLimit} bytes. Raise replyLimit if it is meant to.`,
    );
  }
}

function replyReader({ settings, framing }: DeviceOptions): FrameSource {
  const { reply, replyBytes, replyLimit: most } = settings;
  if (reply === 'framed') return framing.reader(most);
  if (reply === 'bytes') return new FixedReader(replyBytes, UNLIMITED);
  if (reply !== 'line') return new UntilClosedReader(most, UNLIMITED);
  return new MarkedReader({ start: undefined, ends: lineEnds('any') }, most, UNLIMITED);
}

async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  guard: (part: Buffer) => Buffer,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const part of stream) yield guard(asBuffer(part));
}
