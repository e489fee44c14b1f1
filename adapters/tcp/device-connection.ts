import type { Socket } from 'node:net';
import {
  EngineError,
  type Message,
  NotConnectedError,
  type Reply,
  TemporaryError,
} from 'waybill/adapter';
import {
  ExchangeConnection,
  type FrameSource,
  fileType,
  type LinkedConnection,
  spokenProtocol,
  UNLIMITED,
} from 'waybill/peer';
import { FixedReader } from './counted-reader.ts';
import type { Framing } from './framing.ts';
import { lineEnds } from './framing-settings.ts';
import { MarkedReader } from './marked-reader.ts';
import { REPLY_PATTERNS, type TcpOutValues } from './tcp-out-settings.ts';
import { UntilClosedReader } from './until-closed-reader.ts';

export interface DeviceOptions {
  readonly place: string;
  readonly settings: TcpOutValues;
  readonly framing: Framing;
}

/** One connection to the peer, with at most one message in flight, whose answer is the next thing that arrives. */
export class DeviceConnection implements LinkedConnection {
  readonly #options: DeviceOptions;
  readonly #wire: ExchangeConnection<Reply>;
  readonly #reader: FrameSource;
  /** The message in flight has its answer: anything else belongs to nothing. */
  #isAnswered = true;

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

  async exchange({ body }: Message, signal: AbortSignal): Promise<Reply | undefined> {
    const { framing, settings } = this.#options;
    const around = framing.around(body.size);
    const guard = framing.guard();
    const { inline } = body;
    this.#isAnswered = false;
    return await this.#wire.exchange(
      {
        ...around,
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
    // It must not be taken for the answer to the next message.
    if (!this.#wire.busy && this.#reader.open) this.destroy();
  }

  #answered(body: Buffer): void {
    if (this.#isAnswered) {
      this.destroy();
      return;
    }
    this.#isAnswered = true;
    this.#wire.answered(replyOf(body, this.#options.settings));
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
        : 'Ask the peer whether it accepted the message; it is sent again.';
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
  const { reply, replyBytes, replyLimit } = settings;
  if (reply === 'framed') return framing.reader(replyLimit);
  if (reply === 'bytes') return new FixedReader(replyBytes, UNLIMITED);
  if (reply !== 'line') return new UntilClosedReader(replyLimit, UNLIMITED);
  return new MarkedReader({ start: undefined, ends: lineEnds('any') }, replyLimit, UNLIMITED);
}

/** The answer with the code found by its patterns. */
export function replyOf(body: Buffer, settings: TcpOutValues): Reply {
  const type = settings.replyType ?? fileType(body.subarray(0, 2_048), '');
  const code = codeOf(body.toString('latin1'), settings);
  return { body, type, ...(code !== undefined && { code }) };
}

/** A code in the form that `replies` uses. */
const CODE = /^[A-Za-z0-9]{1,20}$/;

function codeOf(answer: string, settings: TcpOutValues): string | undefined {
  const told = (['refused', 'busy', 'accepted'] as const).find(
    (name) => settings[name]?.(answer) !== undefined,
  );
  if (told !== undefined) return told;
  const found = settings.code?.(answer);
  const named = found?.[1] ?? found?.[0] ?? '';
  if (CODE.test(named)) return named;
  // Without patterns, any answer is accepted.
  return REPLY_PATTERNS.some((name) => settings[name] !== undefined) ? 'unknown' : undefined;
}

async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  guard: (part: Buffer) => Buffer,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const part of stream) yield guard(asBuffer(part));
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
