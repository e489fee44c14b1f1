import type { Socket } from 'node:net';
import {
  EngineError,
  type Lent,
  type Logger,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  type Reply,
  SuspendError,
  setting,
  TemporaryError,
} from 'waybill/adapter';
import {
  acknowledgementText,
  endingWithCr,
  type Hl7Header,
  hl7Header,
  type ReadAcknowledgement,
  readAcknowledgement,
} from 'waybill/document';
import { asBuffer, newsFilter, placeOf, probe, spokenProtocol } from 'waybill/peer/basics';
import {
  ExchangeConnection,
  type LinkedConnection,
  PeerLink,
  peerAddress,
  replyLimit,
  sendingTimes,
} from 'waybill/peer/tcp';
import { tlsClient } from 'waybill/peer/tls';
import { FrameReader } from './frame-reader.ts';
import { type Framing, frameMarks, framingSetting } from './framing.ts';

const mllpOutSettings = {
  connect: peerAddress('ward.example:2575'),
  tls: tlsClient(),
  reply: setting.choice(
    {
      wait: 'Waits for the first acknowledgement, which is judged',
      application: 'After a commit acknowledgement (CA), also waits for that of the application',
      none: 'Waits for none: a message is done once it is written',
    },
    { help: 'Which acknowledgement of the peer a message waits for.', default: 'wait' },
  ),
  ackTimeout: setting.duration({
    help: 'How long to wait for an acknowledgement. After that the connection is closed, so that a late one is never taken for that of the next message.',
    default: '30s',
  }),
  ...sendingTimes,
  framing: framingSetting('mllp'),
  replyLimit,
};

type MllpOutSettings = setting.ValuesOf<typeof mllpOutSettings>;

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

/** The latest ids. What is looked for once in a while needs no index, which would cost a sender as much as reading its header. */
class LatestIds {
  readonly #most: number;
  readonly #ids: string[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  has(id: string): boolean {
    return this.#ids.includes(id);
  }

  add(id: string): void {
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % this.#most;
  }
}

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
      sent: new LatestIds(REMEMBERED),
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
    const { inline } = body;
    if (inline === undefined) {
      return this.#link.send(signal, async (connection) =>
        connection.exchange(await streamed(body.stream(), framing), signal),
      );
    }
    return this.#link.send(signal, (connection) =>
      connection.exchange(inOnePiece(inline, framing), signal),
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

interface PeerConnectionOptions {
  readonly place: string;
  readonly settings: MllpOutSettings;
  readonly log: Logger;
  /** The control ids of the latest messages to this peer, on any connection. */
  readonly sent: LatestIds;
  /** Whether an answer with an unknown control id counts: the reply rules judge it. */
  readonly takesStrange: boolean;
  /** Called for an answer that was set aside. */
  readonly onAside: (whose: 'earlier' | 'unknown') => void;
}

/**
 * One connection to the peer, with at most one message in flight.
 *
 *     idle ──exchange──► in flight ──its acknowledgement──► idle
 *     in flight ──time-out, odd answer, abort, loss──► closed
 *     idle ──the peer closes or speaks unasked──► closed
 *
 * Closing in case of doubt, and comparing control ids, prevents a late acknowledgement from being
 * credited to the next message: one of an earlier message is always set aside, and so is one of an
 * unknown message, unless the production has a rule for it.
 */
class PeerConnection implements LinkedConnection {
  readonly #wire: ExchangeConnection<Reply>;
  readonly #place: string;
  readonly #settings: MllpOutSettings;
  readonly #log: Logger;
  readonly #reader: FrameReader;
  /** The message in flight, or the latest one. */
  #sent: Hl7Header | undefined;
  /** The message for which the application's answer may still arrive after a commit code. */
  #committed: string | undefined;
  #strayBytes = 0;
  /** Answers to an unknown message, since the one in flight was sent. */
  #strange = 0;
  readonly #options: PeerConnectionOptions;
  readonly #marks: ReturnType<typeof frameMarks>;

  constructor(socket: Socket, options: PeerConnectionOptions) {
    const { place, settings, log } = options;
    this.#options = options;
    this.#marks = frameMarks(settings.framing);
    this.#place = place;
    this.#settings = settings;
    this.#log = log;
    // The peer's marks are read as tolerantly as possible: an acknowledgement that arrived must
    // count.
    const loose =
      settings.framing.start === undefined
        ? settings.framing
        : { ...settings.framing, lenient: true };
    this.#reader = new FrameReader(loose, settings.replyLimit);
    this.#wire = new ExchangeConnection(socket, {
      place,
      writeTimeout: settings.writeTimeout,
      onData: (chunk) => this.#read(chunk),
      again: 'it is sent again with the same control id',
    });
  }

  get usable(): boolean {
    return this.#wire.usable;
  }

  onClose(listener: (refused: string | undefined) => void): void {
    this.#wire.onClose(listener);
  }

  /** Sends a message and waits for its acknowledgement. On any error the connection is closed. */
  exchange(message: OutgoingMessage, signal: AbortSignal): Promise<Reply | undefined> {
    const { reply, ackTimeout } = this.#settings;
    const { before, after } = this.#marks;
    const { header } = message;
    this.#sent = header;
    this.#strange = 0;
    // an answer to the one in flight is known before it is looked for here
    this.#options.sent.add(header?.controlId ?? '');
    return this.#wire.exchange(
      {
        before,
        after,
        parts: () => message.parts(),
        answerWithin: reply === 'none' ? undefined : ackTimeout,
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
    if (this.#settings.reply === 'none') return;
    for (const found of this.#reader.push(chunk)) {
      if (found.kind === 'frame') this.#answered(found.body);
      else if (found.kind === 'junk') this.#stray(found.bytes);
      else if (found.kind === 'too-large') this.#wire.giveUp(this.#tooLarge());
    }
    if (this.#reader.almostEnded) this.#answered(this.#reader.finish());
    if (!this.#wire.busy && this.#reader.open) this.#unasked();
  }

  #answered(body: Buffer): void {
    const isAsked = this.#wire.busy;
    const { reply, controlId, isStrange, isOdd } = peerReply(
      body,
      isAsked ? this.#sent : undefined,
    );
    if (this.#isLateApplicationAnswer(controlId)) {
      this.#log.debug("the application's answer after the commit code");
      return;
    }
    if (this.#isOfEarlier(controlId)) return this.#options.onAside('earlier');
    if (!isAsked) return this.#unasked();
    if (isStrange && !this.#options.takesStrange) {
      this.#strange += 1;
      return this.#options.onAside('unknown');
    }
    this.#committed = /^C[AER]$/.test(reply.code ?? '') ? controlId : undefined;
    if (this.#settings.reply === 'application' && reply.code === 'CA') return;
    this.#wire.answered(reply);
    if (isOdd) this.destroy();
  }

  /** A second or late answer to an earlier message. */
  #isOfEarlier(controlId: string): boolean {
    if (controlId === '' || controlId === this.#awaited) return false;
    return this.#options.sent.has(controlId);
  }

  #isLateApplicationAnswer(controlId: string): boolean {
    return controlId !== '' && controlId === this.#committed && controlId !== this.#awaited;
  }

  /** The control id of the message in flight. */
  get #awaited(): string | undefined {
    return this.#wire.busy ? this.#sent?.controlId : undefined;
  }

  /** The peer speaks unasked: whatever it is, it must not be taken for an answer. */
  #unasked(): void {
    this.#log.debug('closed: the peer spoke unasked');
    this.destroy();
  }

  #stray(bytes: Buffer): void {
    this.#strayBytes += bytes.length;
    const spoken = spokenProtocol(bytes);
    if (spoken === undefined) return;
    this.#wire.giveUp(new NotConnectedError(`${this.#place} ${spoken.seen}. ${spoken.remedy}.`));
  }

  #unanswered(): Error {
    const came =
      this.#strange > 0
        ? ` Its answer has a control id other than MSH-10 of the message, or none, so it was set aside. If it always does that, write replies: { wrong-control-id: warn }: then the next answer counts.`
        : this.#strayBytes > 0
          ? ` ${this.#strayBytes} bytes arrived outside the marks of a message: check framing.`
          : ' It may have the message: if that is sent again, it may get it twice.';
    return new EngineError(
      'REPLY_TIMEOUT',
      `${this.#place} did not acknowledge within ${this.#settings.ackTimeout} ms.${came}`,
      { retryable: true },
    );
  }

  #tooLarge(): Error {
    return new TemporaryError(
      `${this.#place} sent an acknowledgement larger than ${this.#settings.replyLimit} bytes. Raise replyLimit if that is normal.`,
    );
  }
}

/** What the peer answered, and whether its connection can be trusted with the next message. */
interface PeerReply {
  readonly reply: Reply;
  /** MSA-2. */
  readonly controlId: string;
  /** MSA-2 is, or should be, comparable, and is not that of the message. */
  readonly isStrange: boolean;
  /** The answer is suspicious: a later one might be credited to the wrong message, so the connection must be closed. */
  readonly isOdd: boolean;
}

/** Reads an answer and compares it with the message it should be for. Never throws. */
function peerReply(body: Buffer, sent: Hl7Header | undefined): PeerReply {
  const read = readable(body, sent);
  if (read === undefined) {
    const reply: Reply = { body, type: 'application/octet-stream', problems: ['no-code'] };
    return { reply, controlId: '', isStrange: false, isOdd: true };
  }
  const { code, type, controlId, problems } = read;
  const text = acknowledgementText(read);
  return {
    reply: {
      body,
      type,
      code: code === '' ? undefined : code,
      text: text === '' ? undefined : text,
      problems: problems.length === 0 ? undefined : problems,
    },
    controlId,
    // what was sent without a control id cannot be identified
    isStrange: problems.includes('wrong-control-id') && sent?.controlId !== '',
    isOdd: problems.includes('wrong-control-id') || problems.includes('no-code'),
  };
}

function readable(body: Buffer, sent: Hl7Header | undefined): ReadAcknowledgement | undefined {
  try {
    return readAcknowledgement(body, sent);
  } catch {
    // what cannot be read is not an acknowledgement
    return undefined;
  }
}

const HEAD = 64 * 1024;

/** A message on its way out: its header, and its bytes in parts. */
interface OutgoingMessage {
  /** Undefined for a body that is not HL7. */
  readonly header: Hl7Header | undefined;
  /** The parts, in order. Throws SuspendError before the first one that contains the marks of the framing. */
  parts(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** Nearly every message. */
function inOnePiece(inline: Uint8Array, framing: Framing): OutgoingMessage {
  const given = asBuffer(inline);
  const whole = endingWithCr(given)?.(given) ?? given;
  return { header: headerOf(whole), parts: () => [markGuard(framing)(whole)] };
}

/** Reads as much of the body as is needed for its header. */
async function streamed(
  stream: AsyncIterable<Uint8Array>,
  framing: Framing,
): Promise<OutgoingMessage> {
  const source = stream[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let size = 0;
  let next = await source.next();
  while (next.done !== true) {
    head.push(asBuffer(next.value));
    size += next.value.length;
    if (size >= HEAD) break;
    next = await source.next();
  }
  const beginning = Buffer.concat(head);
  return {
    header: headerOf(beginning),
    async *parts() {
      const guard = markGuard(framing);
      const ending = endingWithCr(beginning);
      const ready = (part: Buffer): Buffer => guard(ending?.(part) ?? part);
      for (const part of head) yield ready(part);
      if (next.done === true) return;
      for (next = await source.next(); next.done !== true; next = await source.next()) {
        yield ready(asBuffer(next.value));
      }
    },
  };
}

function headerOf(head: Buffer): Hl7Header | undefined {
  const header = hl7Header(head);
  return header.kind === 'none' ? undefined : header;
}

/**
 * Passes on parts, and throws at one that contains the bytes that mark the beginning or the end:
 * the peer would cut the message there, and take the rest for another.
 */
function markGuard({ start, end: [first, second] }: Framing): (part: Buffer) => Buffer {
  let last: number | undefined;
  const holdsEnd = (part: Buffer): boolean =>
    second === undefined
      ? part.includes(first)
      : // hardly any message has even the first
        (part.includes(first) && part.includes(Buffer.of(first, second))) ||
        (last === first && part[0] === second);
  return (part) => {
    if ((start !== undefined && part.includes(start)) || holdsEnd(part)) {
      throw new SuspendError(
        'The body contains the bytes that mark the beginning or end of a message on the wire. Remove them (0x0B, or 0x1C 0x0D) and resend.',
      );
    }
    last = part.at(-1) ?? last;
    return part;
  };
}
