import {
  EngineError,
  inlineBody,
  isTold,
  type LentInbound,
  type Message,
  type NewMessage,
  type Receipt,
  type setting,
} from 'waybill/adapter';
import { acknowledgement, type Hl7Header, hl7Header } from 'waybill/document';
import { newsFilter, relayedAnswer, untilStored } from 'waybill/peer/basics';
import { fileType } from 'waybill/peer/folder';
import { ediControlNumber } from 'waybill/peer/reply';
import { idIn } from './id-in.ts';
import type { WebsocketInValues, websocketInSettings } from './websocket-in-settings.ts';

/** Whose messages they are. */
export interface WebSender {
  readonly address: string;
  /** For the trace. */
  readonly origin: string;
}

interface Arrived {
  readonly body: Buffer;
  readonly isText: boolean;
  readonly sender: WebSender;
}

/** The beginning that a type is known by. */
const HEAD = 2_048;

/** Stores messages, and says what their sender is answered. One for each service. */
export class Taking {
  readonly #lent: LentInbound<typeof websocketInSettings>;
  readonly #settings: WebsocketInValues;
  readonly #isNews = newsFilter();
  readonly #stopping = new AbortController();

  constructor(lent: LentInbound<typeof websocketInSettings>) {
    this.#lent = lent;
    this.#settings = lent.settings;
  }

  /** Ends the tries to store what could not be stored so far. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Undefined if there is no answer. Never rejects. */
  async take(arrived: Arrived): Promise<Uint8Array | undefined> {
    const { answer: mode, answerTimeout: timeout } = this.#settings;
    const known = this.#messageOf(arrived);
    const key = this.#settings.key;
    const message =
      key === undefined
        ? known.message
        : { ...known.message, dedupeKey: await idIn(key, arrived.body, known.message.type) };
    if (mode === 'none') {
      await this.#keep(message, arrived);
      return undefined;
    }
    const header = toBeAnswered(known.header);
    try {
      const receipt = await this.#lent.deliver(
        message,
        mode === 'target' ? { reply: true, timeout } : {},
      );
      return await this.#answerOf(receipt, { message, header, ...arrived });
    } catch (error) {
      if (!isTold(error)) this.#lent.log.error({ err: error }, 'message not stored');
      const isFinal = error instanceof EngineError && !error.retryable;
      return await this.#refusal(isFinal ? 'refused' : 'later', { message, header, ...arrived });
    }
  }

  async #keep(message: NewMessage, { body, sender: { address } }: Arrived): Promise<void> {
    await untilStored(this.#lent, {
      message,
      what: `A message of ${address} (${body.length} bytes)`,
      because: 'with answer: none its sender cannot be told',
      signal: AbortSignal.any([this.#lent.signal, this.#stopping.signal]),
      waits: () => {
        if (!this.#isNews(address)) return;
        const text = `${address}: a message cannot be stored; it is kept and tried again.`;
        this.#lent.event('warn', 'not-stored-yet', text);
      },
    });
  }

  async #answerOf(receipt: Receipt, asked: Asked): Promise<Uint8Array | undefined> {
    const { answer: mode, accepted } = this.#settings;
    const { header } = asked;
    if (header !== undefined) {
      return mode === 'stored'
        ? acknowledgement(header, { code: 'AA' })
        : relayedAnswer(header, receipt).body;
    }
    const { reply, outcome } = receipt;
    if (mode === 'target' && outcome === undefined && reply === undefined) {
      return await this.#refusal('later', asked);
    }
    const isFine =
      outcome === undefined || outcome.status === 'completed' || outcome.status === 'discarded';
    if (!isFine) return await this.#refusal('refused', asked);
    const answered = reply?.body ?? new Uint8Array();
    if (answered.byteLength > 0) return answered;
    return await this.#rendered(accepted, asked, receipt);
  }

  async #refusal(why: 'later' | 'refused', asked: Asked): Promise<Uint8Array | undefined> {
    if (asked.header !== undefined) {
      const { code, text } = REFUSALS[why];
      return acknowledgement(asked.header, { code, problems: [{ code: '207', text }] });
    }
    return await this.#rendered(this.#settings[why], asked);
  }

  async #rendered(
    template: setting.Template,
    { message, body }: Asked,
    receipt?: Receipt,
  ): Promise<Uint8Array | undefined> {
    const now = Date.now();
    const asStored: Message = {
      ...message,
      id: receipt?.messageId ?? 0,
      sessionId: receipt?.sessionId ?? 0,
      source: this.#lent.host,
      target: '',
      created: now,
      received: now,
      size: body.length,
      body: inlineBody(body),
    };
    try {
      const text = await template.render(asStored);
      return text === '' ? undefined : Buffer.from(text);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (this.#isNews('answer')) {
        const what = 'an answer could not be made of its message, and is not sent';
        this.#lent.event('warn', 'answer-unfit', `${what}. Correct ${template.source}`);
      }
      return undefined;
    }
  }

  #messageOf({ body, isText, sender }: Arrived): {
    readonly message: NewMessage;
    /** Of HL7. */
    readonly header: Hl7Header | undefined;
  } {
    const { type: given, charset } = this.#settings;
    const type = given ?? fileType(body.subarray(0, HEAD), '');
    const header = type.startsWith('HL7v2') ? hl7Header(body) : undefined;
    const message = {
      body,
      type,
      charset: header?.charset?.name ?? (isText ? undefined : charset),
      origin: sender.origin,
      dedupeKey: header?.controlId || ediControlNumber(type, body),
    };
    return { message, header };
  }
}

/** What an acknowledgement says of a message that was not taken. */
const REFUSALS = {
  later: { code: 'AR', text: 'The message cannot be stored now' },
  refused: { code: 'AE', text: 'The message is refused' },
} as const;

interface Asked extends Arrived {
  readonly message: NewMessage;
  /** Of HL7 that is to be acknowledged. */
  readonly header: Hl7Header | undefined;
}

function toBeAnswered(header: Hl7Header | undefined): Hl7Header | undefined {
  return header === undefined || header.kind === 'none' || header.isAcknowledgement
    ? undefined
    : header;
}
