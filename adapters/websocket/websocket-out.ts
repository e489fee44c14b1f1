import { isUtf8 } from 'node:buffer';
import {
  background,
  EngineError,
  isTold,
  type Lent,
  type Message,
  type NotConnectedError,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
  setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { asBuffer, newsFilter, Paced, PassingSet, UnderWay } from 'waybill/peer/basics';
import { fileType } from 'waybill/peer/folder';
import { placeOfUrl } from 'waybill/peer/http';
import {
  codedReply,
  hl7Reply,
  judgedAsEdi,
  judgedAsHl7,
  REPLY_PATTERNS,
  replyCodes,
} from 'waybill/peer/reply';
import { asHttp, callPeer } from './connect.ts';
import { idIn } from './id-in.ts';
import type { LiveSocket } from './live-socket.ts';
import { callingSettings, socketLimits } from './socket-settings.ts';
import { tryCalling } from './try-calling.ts';

export const websocketOutSettings = {
  ...callingSettings,
  frame: setting.choice(
    {
      auto: 'As text what is text and valid UTF-8, anything else as binary',
      text: 'As text',
      binary: 'As binary',
    },
    { help: 'How messages are sent.', default: 'auto' },
  ),
  reply: setting.choice(
    {
      none: 'A message is done once it is written',
      pong: 'A message is done once the peer has answered a ping behind it, and so has received it',
      next: 'The next message that comes; one message at a time is under way',
      matching:
        'The one whose id (replyId) is that of the message (id); any number may be under way',
    },
    { help: 'Which answer of the peer is awaited.', default: 'pong' },
  ),
  id: setting.optional(
    setting.expression({
      help: 'With reply: matching, the id of a message.',
      example: 'field("MSH-10")',
    }),
  ),
  replyId: setting.optional(
    setting.expression({
      help: 'With reply: matching, the id in an answer, as an expression about that answer.',
      example: 'field("MSA-2")',
    }),
  ),
  ...replyCodes,
  replyTimeout: setting.duration({
    help: 'How long an answer is waited for. With next and pong the connection is then closed, so that a late one is never taken for that of another message.',
    default: '30s',
  }),
  ...socketLimits,
};

export type WebsocketOutValues = setting.ValuesOf<typeof websocketOutSettings>;
type WebsocketOutLent = Lent<typeof websocketOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'websocket-out',
  title: 'WebSocket, sending',
  summary:
    'Sends each message over a WebSocket that it keeps open, and returns the answer, if one is awaited.',
  settings: websocketOutSettings,
  replies: {
    accepted: 'complete',
    busy: AGAIN,
    refused: 'suspend',
    'wrong-control-id': 'warn',
    AA: 'complete',
    CA: 'complete',
    AE: 'suspend',
    CE: 'suspend',
    AR: AGAIN,
    CR: AGAIN,
    A: 'complete',
    E: ['warn', 'complete'],
    P: 'suspend',
    R: 'suspend',
    none: 'retry',
    other: 'suspend',
  },
  // the queue is held for as long as it takes: a receiver that is away must not cost a message
  retry: { for: Number.POSITIVE_INFINITY },
  check: (settings) => Promise.resolve(websocketOutFaults(settings)),
  open: (lent) => WebsocketSender.open(lent),
  test: (lent, step) => tryCalling(lent, step, { calling: lent.settings, limits: lent.settings }),
});

export function websocketOutFaults(settings: WebsocketOutValues): SettingsFault[] {
  const { reply, id, replyId } = settings;
  const faults: SettingsFault[] = [];
  const ids = Object.entries({ id, replyId });
  for (const [name, value] of ids) {
    if ((value !== undefined) === (reply === 'matching')) continue;
    faults.push(
      value === undefined
        ? {
            path: [name],
            what: 'is missing with reply: matching',
            remedy: 'Say where the id is, such as field("MSH-10") and field("MSA-2").',
          }
        : { path: [name], what: 'has no effect', remedy: 'Set reply: matching, or remove it.' },
    );
  }
  if (reply !== 'none' && reply !== 'pong') return faults;
  for (const name of REPLY_PATTERNS.filter((one) => settings[one] !== undefined)) {
    const remedy = 'Say under reply which answer to wait for, or remove it.';
    faults.push({ path: [name], what: `has no effect: reply is ${reply}`, remedy });
  }
  return faults;
}

/** A message that is under way. */
interface Outgoing {
  readonly size: number;
  /** What it is known by in its answer; undefined for the next one that comes. */
  readonly id: string | undefined;
  readonly answer: PromiseWithResolvers<Buffer | undefined>;
}

/** Close codes with which a peer refuses what it was sent. */
const TOO_LARGE = 1_009;
const UNFIT = new Set([1_003, 1_007, TOO_LARGE]);

/** Answers looked at at once: stopping to read costs more than looking. */
const ANSWERS = 100;

/** Sends over one connection, until that is lost. */
class WebsocketSender implements OpenOutbound {
  readonly #lent: WebsocketOutLent;
  readonly #live: LiveSocket;
  readonly #place: string;
  readonly #sending = new UnderWay();
  readonly #turn: Paced;
  readonly #outgoing = new PassingSet<Outgoing>();
  readonly #isNews = newsFilter();
  #lost: NotConnectedError | undefined;

  private constructor(lent: WebsocketOutLent, live: LiveSocket, place: string) {
    this.#lent = lent;
    this.#live = live;
    this.#place = place;
    this.#turn = new Paced(lent.settings.reply === 'next' ? 1 : Number.POSITIVE_INFINITY);
    live.hear(ANSWERS, (body) => this.#heard(body));
    background(this.#watch(), 'hearing of a lost connection');
  }

  /** Throws the errors of connecting. */
  static async open(lent: WebsocketOutLent): Promise<WebsocketSender> {
    const { settings, signal } = lent;
    const place = placeOfUrl(asHttp(settings.url));
    const live = await callPeer(lent, { calling: settings, limits: settings, signal });
    const state = live.subprotocol === '' ? place : `${place}, ${live.subprotocol}`;
    lent.connection('connected', state);
    return new WebsocketSender(lent, live, place);
  }

  send(message: Message, signal: AbortSignal): Promise<Reply | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return this.#sending.run(this.#turn.run(() => this.#send(message, signal)));
  }

  async close(): Promise<void> {
    if (this.#lent.signal.aborted) this.#live.fail(new Error('stopped'));
    await this.#sending.ended();
    await this.#live.close(1_000);
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply | undefined> {
    const { settings } = this.#lent;
    const body = asBuffer(message.body.inline ?? (await message.body.bytes()));
    const id = settings.id && (await idIn(settings.id, body, message.type));
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const answer = Promise.withResolvers<Buffer | undefined>();
    const outgoing = { size: body.length, id, answer };
    this.#outgoing.add(outgoing);
    // whoever waits is told, unless it gave the message up
    answer.promise.catch(toldElsewhere);
    const limit = setTimeout(() => this.#late(outgoing), timerTime(settings.replyTimeout));
    const abort = (): void => this.#giveUp(outgoing, signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      this.#write(outgoing, body, this.#isText(message, body));
      const answered = await answer.promise;
      return answered === undefined ? undefined : await this.#judged(answered, message);
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', abort);
      this.#outgoing.delete(outgoing);
    }
  }

  /** Writes it, and is done with it where no answer is awaited. */
  #write(outgoing: Outgoing, body: Buffer, isText: boolean): void {
    const { reply } = this.#lent.settings;
    const sent = this.#live.sendAtOnce(body, isText);
    const isDone = sent === undefined && (reply === 'next' || reply === 'matching');
    if (!isDone) background(this.#written(outgoing, sent), 'sending', isTold);
  }

  async #written({ answer }: Outgoing, sent: Promise<void> | undefined): Promise<void> {
    const { reply } = this.#lent.settings;
    try {
      await sent;
      if (reply === 'pong') await this.#live.ponged();
      if (reply === 'none' || reply === 'pong') answer.resolve(undefined);
    } catch (error) {
      // the end of the connection says more
      if (this.#live.isOpen) answer.reject(error);
    }
  }

  #isText({ type }: Message, body: Buffer): boolean {
    const { frame } = this.#lent.settings;
    if (frame !== 'auto') return frame === 'text';
    return TEXT.test(type) && isUtf8(body);
  }

  #heard(body: Buffer): Promise<void> | undefined {
    const { reply, replyId } = this.#lent.settings;
    if (reply === 'next') {
      const [first] = this.#outgoing;
      if (first === undefined) this.#ignored();
      else first.answer.resolve(body);
      return undefined;
    }
    return replyId === undefined ? undefined : this.#matched(replyId, body);
  }

  async #matched(replyId: setting.MessageExpression, body: Buffer): Promise<void> {
    const id = await idIn(replyId, body, fileType(body.subarray(0, 2_048), ''));
    const meant = [...this.#outgoing].find((one) => one.id === id && id !== undefined);
    if (meant === undefined) this.#ignored();
    else meant.answer.resolve(body);
  }

  #ignored(): void {
    if (!this.#isNews('ignored')) return;
    const text = `${this.#place} sent something that answers no message; it is ignored.`;
    this.#lent.event('info', 'ignored', text);
  }

  #judged(body: Buffer, message: Message): Reply | Promise<Reply> {
    const usual = hl7Reply(body, this.#lent.settings);
    if (usual !== undefined) return usual;
    const reply = codedReply(body, this.#lent.settings);
    if (reply.code !== undefined) return reply;
    if (reply.type.startsWith('HL7v2')) return judgedAsHl7(reply);
    return this.#judgedAsEdi(reply, message);
  }

  async #judgedAsEdi(reply: Reply, message: Message): Promise<Reply> {
    return (await judgedAsEdi(reply, message)) ?? reply;
  }

  #late(outgoing: Outgoing): void {
    const { replyTimeout } = this.#lent.settings;
    this.#giveUp(
      outgoing,
      new EngineError(
        'REPLY_TIMEOUT',
        `${this.#place} did not answer within ${replyTimeout} ms, and whether it has the message is not known. It is sent again.`,
        { retryable: true },
      ),
    );
  }

  /** A late answer must not be taken for that of another message. */
  #giveUp({ answer }: Outgoing, error: Error): void {
    answer.reject(error);
    if (this.#lent.settings.reply !== 'matching') this.#live.fail(error);
  }

  async #watch(): Promise<void> {
    const { code, error } = await this.#live.closed;
    this.#lost = error;
    const open = [...this.#outgoing];
    const blamed = UNFIT.has(code) ? blamedFor(code, open) : undefined;
    for (const one of open) {
      one.answer.reject(
        one === blamed ? new RejectedError(error.message, { cause: error }) : error,
      );
    }
    this.#lent.connection('disconnected');
  }
}

/** What may be a text. */
const TEXT = /^(?:text\/|HL7v2|X12|EDIFACT)|[/+](?:json|xml|fhir\+json)\b/;

/** The message that a peer refuses by closing the connection: the largest one, or the only one. */
function blamedFor(code: number, open: readonly Outgoing[]): Outgoing | undefined {
  if (code !== TOO_LARGE) return open.length === 1 ? open[0] : undefined;
  return open.toSorted((a, b) => b.size - a.size)[0];
}
