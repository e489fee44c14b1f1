import { setImmediate as immediate } from 'node:timers/promises';
import { JetStreamApiError, type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { errors, headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import {
  background,
  describeSize,
  EngineError,
  isTold,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  setting,
  toldElsewhere,
} from 'waybill/adapter';
import { namedTemplate, UnderWay, unlessAborted } from 'waybill/peer/basics';
import { fileType } from 'waybill/peer/folder';
import { contentTypeOf } from 'waybill/peer/http';
import { connectNats, lostNats, type NatsSession } from './connect.ts';
import { natsSettings, subjectTemplate } from './nats-settings.ts';
import { tryNats } from './nats-test.ts';

export const natsOutSettings = {
  ...natsSettings,
  subject: subjectTemplate({
    help: 'The subject of each message, with expressions in braces. Characters of a value that one word of a subject cannot have (dots, blanks, * and >) become _.',
    example: 'lab.results.{field("MSH-4")}',
  }),
  how: setting.choice(
    {
      stored: 'To a stream of JetStream, which confirms that it is stored there',
      request: 'As a request: the first answer is the reply',
      publish: 'To whoever is listening at that moment; nothing tells whether anybody is',
    },
    { help: 'How messages are sent.', default: 'stored' },
  ),
  stream: setting.optional(
    setting.text({
      help: 'With how: stored, the stream that must take the message; another one refuses it.',
      example: 'RESULTS',
      advanced: true,
    }),
  ),
  headers: setting.list(
    namedTemplate(
      'A header as Name: value; the value may have expressions in braces.',
      'Patient: {field("PID-3.1")}',
    ),
    {
      help: 'Headers besides Content-Type and Nats-Msg-Id.',
      example: 'Patient: {field("PID-3.1")}',
    },
  ),
  messageId: setting.optional(
    setting.template({
      help: 'Nats-Msg-Id, by which a stream recognises a repetition and stores it once. If left out, it is the number of the message with the name of the production.',
      example: '{field("MSH-10")}',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long to wait for the confirmation or the reply.',
    default: '10s',
  }),
};

export type NatsOutLent = Lent<typeof natsOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'nats-out',
  title: 'NATS, sending and asking',
  summary:
    'Publishes each message on a subject of another NATS server, to a stream that confirms it, to the subscribers of the moment, or as a request whose reply is the answer.',
  settings: natsOutSettings,
  replies: {
    OK: 'complete',
    // an earlier try whose confirmation did not arrive
    REPEATED: 'complete',
    // there is no subscriber, or no stream takes the subject
    NOBODY: AGAIN,
    FULL: AGAIN,
    // every message would be refused
    DENIED: 'stop',
    '4xx': 'fail',
    '5xx': AGAIN,
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    const session = await connectNats(lent, lent.signal);
    lent.connection('connected', session.facts);
    lent.event('info', 'connected', session.facts);
    return new NatsSender(lent, session);
  },
  test: (lent, step) => tryNats(lent, step),
});

const EMPTY = Buffer.alloc(0);

/** Sends messages over one connection, until that is lost. */
class NatsSender implements OpenOutbound {
  readonly #lent: NatsOutLent;
  readonly #session: NatsSession;
  readonly #jetstream: JetStreamClient;
  readonly #sending = new UnderWay();
  /** Subjects that the server does not allow us to publish to. */
  readonly #denied = new Set<string>();
  #lost: Error | undefined;

  constructor(lent: NatsOutLent, session: NatsSession) {
    this.#lent = lent;
    this.#session = session;
    this.#jetstream = jetstream(session.connection, { timeout: lent.settings.timeout });
    background(this.#listen(), 'hearing what the server refuses', isTold);
    background(this.#watch(), 'hearing of a lost connection');
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const sending = this.#send(message);
    // the sender that waits is told, unless it gave the message up
    sending.catch(toldElsewhere);
    return await this.#sending.run(unlessAborted(sending, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#session.connection.close();
  }

  async #send(message: Message): Promise<Reply> {
    const { settings } = this.#lent;
    if (this.#lost !== undefined) throw this.#lost;
    const subject = await settings.subject.render(message);
    const header = await this.#headers(message);
    const body = await message.body.bytes();
    this.#checkSize(body.length);
    try {
      if (settings.how === 'stored') return await this.#store(subject, body, header, message);
      if (settings.how === 'request') return await this.#request(subject, body, header);
      return await this.#publish(subject, body, header);
    } catch (error) {
      return this.#failed(error, subject);
    }
  }

  async #headers(message: Message): Promise<MsgHdrs> {
    const header = headers();
    header.set('Content-Type', contentTypeOf(message.type, message.charset));
    for (const { name, value } of this.#lent.settings.headers) {
      header.set(name, (await value.render(message)).replaceAll(/\p{Cc}+/gu, ' '));
    }
    return header;
  }

  #checkSize(size: number): void {
    const most = this.#session.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (size <= most) return;
    throw new RejectedError(
      `The message has ${describeSize(size)}, but ${this.#session.place} takes ${describeSize(most)} at most. Have its max_payload raised, or send the document another way.`,
    );
  }

  async #store(
    subject: string,
    body: Uint8Array,
    header: MsgHdrs,
    message: Message,
  ): Promise<Reply> {
    const { settings, production } = this.#lent;
    const msgID = (await settings.messageId?.render(message)) ?? `${production}.${message.id}`;
    const { stream, seq, duplicate } = await this.#jetstream.publish(subject, body, {
      msgID,
      headers: header,
      retries: 0,
      ...(settings.stream !== undefined && { expect: { streamName: settings.stream } }),
    });
    const again = duplicate ? ', where it was before' : '';
    return reply(duplicate ? 'REPEATED' : 'OK', `stored in ${stream} as ${seq}${again}`);
  }

  async #request(subject: string, body: Uint8Array, header: MsgHdrs): Promise<Reply> {
    const { timeout } = this.#lent.settings;
    const answer = await this.#session.connection.request(subject, body, {
      timeout,
      headers: header,
    });
    return answered(answer);
  }

  /** The server reports on a message before it answers the flush; we learn of it a turn later. */
  async #publish(subject: string, body: Uint8Array, header: MsgHdrs): Promise<Reply> {
    this.#session.connection.publish(subject, body, { headers: header });
    await this.#session.connection.flush();
    await immediate();
    if (this.#denied.delete(subject)) return denied(subject);
    return reply('OK', 'published');
  }

  #failed(error: unknown, subject: string): Reply {
    const { connection, place } = this.#session;
    if (connection.isClosed()) throw this.#lost ?? lostNats(place, error);
    const text = wordsOf(error);
    const isDenied = /permissions violation for publish/i.test(text);
    if (this.#denied.delete(subject) || isDenied) return denied(subject);
    if (error instanceof JetStreamApiError) return refused(error);
    if (/no responders/i.test(text)) {
      return reply('NOBODY', `nobody takes ${subject}: no stream has it, or nobody listens`);
    }
    if (/timeout/i.test(text)) {
      const what =
        this.#lent.settings.how === 'stored'
          ? 'confirm the message; it is sent again, and the stream stores it once'
          : 'answer; whether somebody took the message is not known';
      throw new EngineError(
        'REPLY_TIMEOUT',
        `${place} did not, within ${this.#lent.settings.timeout} ms, ${what}.`,
        { retryable: true },
      );
    }
    throw error;
  }

  /** Refusals of published messages come at any time, by their subject. */
  async #listen(): Promise<void> {
    for await (const status of this.#session.connection.status()) {
      if (status.type !== 'error') continue;
      const { error } = status;
      if (error instanceof errors.PermissionViolationError && error.operation === 'publish') {
        if (this.#denied.size < 1_000) this.#denied.add(error.subject);
      }
    }
  }

  async #watch(): Promise<void> {
    const reason = await this.#session.connection.closed();
    this.#lost = lostNats(this.#session.place, reason);
    this.#lent.connection('disconnected');
  }
}

/** The words of an error and its causes. */
const wordsOf = (error: unknown): string =>
  error instanceof Error ? `${error.name} ${error.message} ${wordsOf(error.cause)}` : '';

const reply = (code: string, text: string): Reply => ({
  body: EMPTY,
  type: 'text/plain',
  code,
  text,
});

const denied = (subject: string): Reply =>
  reply('DENIED', `the account may not publish to ${subject}: have it allowed`);

/** By the codes of JetStream: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
function refused(error: JetStreamApiError): Reply {
  const { code, status, message } = error;
  const isFull = [10_047, 10_077, 10_028, 10_023].includes(code);
  return reply(isFull ? 'FULL' : String(status), `${message} (${code})`);
}

/** NATS services put a code into headers; without it, any answer is a success. */
function answered({ data, headers: header }: Msg): Reply {
  const code = header?.get('Nats-Service-Error-Code') ?? '';
  const text = header?.get('Nats-Service-Error') ?? '';
  const type = header?.get('Content-Type') ?? '';
  return {
    body: data,
    type: type === '' ? fileType(data.subarray(0, 2_048), '') : type,
    code: /^[A-Z0-9]{1,20}$/.test(code) ? code : 'OK',
    ...(text !== '' && { text }),
  };
}
