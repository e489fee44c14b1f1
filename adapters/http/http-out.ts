import { type Message, type OpenOutbound, outbound, type Reply, setting } from 'waybill/adapter';
import { UnderWay } from 'waybill/peer/basics';
import {
  contentTypeOf,
  type HttpAnswer,
  HttpClient,
  headerTemplate,
  httpClientSettings,
  mediaTypeOf,
  messageTypeOf,
  refusalWords,
  retryAfterOf,
  tryHttp,
  urlTemplate,
} from 'waybill/peer/http';
import { judgedAsEdi, judgedAsHl7 } from 'waybill/peer/reply';

const request = {
  url: {
    ...urlTemplate,
    help: 'Where each message is sent. Values in braces are percent-encoded; scheme, host and port cannot come from a message.',
    example: 'https://api.example/patients/{field("PID-3.1")}',
  },
  method: setting.choice(
    {
      POST: 'The message is posted',
      PUT: 'The message is stored at the address',
      PATCH: 'The message changes what is at the address',
      GET: 'What is at the address is fetched; the body of the message is not sent',
      DELETE: 'What is at the address is deleted; the body of the message is not sent',
      HEAD: 'Only checks whether there is something; the body of the message is not sent',
    },
    { help: 'What is done at the address.', default: 'POST' },
  ),
  headers: setting.list(headerTemplate, {
    help: 'Headers to send besides those of the connection. An entry whose value turns out empty is left out.',
    example: '["Accept: application/json", "Idempotency-Key: {id}"]',
  }),
  contentType: setting.optional(
    setting.template({
      help: "The Content-Type. Default: follows from the message's type and charset (application/hl7-v2 for HL7).",
      example: 'application/json; charset=utf-8',
    }),
  ),
  replyCode: setting.choice(
    {
      status: 'The status of the answer',
      acknowledgement:
        'MSA-1 of the HL7 acknowledgement in the answer, whatever the status, as of HL7 over HTTP; of X12 and EDIFACT A, E, P or R of TA1, 997, 999 or CONTRL; the status where there is none of them',
    },
    { help: 'What the code of a reply is, which is judged by replies.', default: 'status' },
  ),
  replyHeaders: setting.list(setting.text({ help: 'The name of a header.' }), {
    help: 'Which headers of the answer are added to the text of the reply, visible in the trace and to processes, after the reason for a refusal; never those with a secret.',
    default: ['Location', 'ETag'],
    advanced: true,
  }),
};

const httpOutSettings = { ...request, ...httpClientSettings };

type HttpOutValues = setting.ValuesOf<typeof httpOutSettings>;

export default outbound({
  type: 'http-out',
  title: 'HTTP and REST, sending',
  summary: 'Sends each message to a web address and returns the answer.',
  settings: httpOutSettings,
  replies: {
    // with replyCode: acknowledgement, like mllp-out
    'wrong-control-id': 'warn',
    AA: 'complete',
    CA: 'complete',
    AE: 'suspend',
    CE: 'suspend',
    AR: ['retry', 'fail'],
    CR: ['retry', 'fail'],
    A: 'complete',
    E: ['warn', 'complete'],
    P: 'suspend',
    R: 'suspend',
    '2xx': 'complete',
    '408': ['retry', 'fail'],
    '425': ['retry', 'fail'],
    '429': ['retry', 'fail'],
    // Every message would be refused, and repeated tries lock accounts.
    '401': 'stop',
    '407': 'stop',
    '4xx': 'fail',
    // The server says that a retry will not help.
    'client-fault': 'fail',
    '501': 'fail',
    '505': 'fail',
    '5xx': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  async open(lent) {
    const client = await HttpClient.open(lent, lent.settings);
    return new HttpSender(client, lent.settings);
  },
  async test({ settings, ...lent }, step) {
    const { beginning: url, fixed: exact } = settings.url;
    const method =
      settings.method === 'GET' || settings.method === 'HEAD' ? settings.method : 'OPTIONS';
    await tryHttp(lent, step, { values: settings, trial: { url, method, exact } });
  },
});

const BODILESS = new Set(['GET', 'HEAD', 'DELETE']);

/** Turns messages into requests and answers into replies. */
class HttpSender implements OpenOutbound {
  readonly #client: HttpClient;
  readonly #settings: HttpOutValues;
  readonly #kept: readonly KeptHeader[];
  readonly #sending = new UnderWay();

  constructor(client: HttpClient, settings: HttpOutValues) {
    this.#client = client;
    this.#settings = settings;
    this.#kept = keptOf(settings.replyHeaders);
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
    const { url, method } = this.#settings;
    const answer = await this.#client.ask({
      method,
      url: await url.render(message),
      headers: await this.#headers(message),
      body: BODILESS.has(method) ? undefined : message.body,
      signal,
    });
    const reply = replyOf(answer, this.#kept);
    if (this.#settings.replyCode === 'status') return reply;
    return (await judgedAsEdi(reply, message)) ?? judgedAsHl7(reply);
  }

  async #headers(message: Message): Promise<Record<string, string>> {
    const { method, contentType, headers, replyCode } = this.#settings;
    const rendered: Record<string, string> = {};
    if (!BODILESS.has(method)) {
      // HL7 over HTTP always requires the charset (§1.2)
      const charset = message.charset ?? (replyCode === 'status' ? undefined : 'UTF-8');
      rendered['content-type'] =
        contentType === undefined
          ? contentTypeOf(message.type, charset)
          : await contentType.render(message);
    }
    if (message.traceparent !== undefined) rendered['traceparent'] = message.traceparent;
    for (const { name, value } of headers) {
      const text = await value.render(message);
      if (text !== '') rendered[name] = text;
    }
    return rendered;
  }
}

/** A header of answers whose value is put into the trace. */
interface KeptHeader {
  readonly name: string;
  /** In lower case. */
  readonly key: string;
}

/** Never what is used to sign in. */
function keptOf(names: readonly string[]): readonly KeptHeader[] {
  return names
    .filter((name) => !/^(set-cookie|.*(auth|token|secret|key).*)$/i.test(name))
    .map((name) => ({ name, key: name.toLowerCase() }));
}

/** Enough for the beginning of any fault. */
const FAULT_WITHIN = 65_536;
const FAULT = /<(?:[\w-]+:)?Fault[\s>]/;
/** SOAP 1.1 §4.4.1 `faultcode`, SOAP 1.2 part 1 §5.4.6 `Value`: all but Server and Receiver. */
const BLAMES_THE_REQUEST =
  /<(?:faultcode[^>]*|(?:[\w-]+:)?Value[^>]*)>\s*(?:[\w-]+:)?(?:Client|Sender|MustUnderstand|VersionMismatch|DataEncodingUnknown)(?:\.[\w.]+)?\s*</;

/**
 * Whether it is a SOAP fault that sending again unchanged cannot fix. It has status 500, like a
 * problem of the server.
 */
function blamesTheRequest(media: string, body: Uint8Array): boolean {
  if (!/xml/i.test(media)) return false;
  const text = Buffer.from(body.subarray(0, FAULT_WITHIN)).toString('latin1');
  return FAULT.test(text) && BLAMES_THE_REQUEST.test(text);
}

/** The answer for the engine to judge: its status is the code, including a request to wait. */
function replyOf({ status, headers, body }: HttpAnswer, kept: readonly KeptHeader[]): Reply {
  const media = mediaTypeOf(headers['content-type']);
  const shown = kept.filter(({ key }) => headers[key] !== undefined);
  return {
    body,
    type: messageTypeOf(media, body.subarray(0, 2_048)),
    code: String(status),
    text:
      [
        ...(refusalWords({ status, headers, body })?.split('\n') ?? []),
        ...shown.map(({ name, key }) => `${name}: ${headers[key]}`),
      ].join('\n') || undefined,
    retryAfter: retryAfterOf(headers['retry-after']),
    problems:
      status >= 400 && blamesTheRequest(headers['content-type'] ?? '', body)
        ? ['client-fault']
        : undefined,
  };
}
