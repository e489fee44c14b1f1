import { type Message, type OpenOutbound, type Reply } from 'waybill/adapter';
import {
  contentTypeOf,
  type HttpAnswer,
  type HttpClient,
  mediaTypeOf,
  messageTypeOf,
  retryAfterOf,
} from 'waybill/peer';
import type { HttpOutValues } from './http-out-settings.ts';

const BODILESS = new Set(['GET', 'HEAD', 'DELETE']);

/** Turns messages into requests and answers into replies. */
export class HttpSender implements OpenOutbound {
  readonly #client: HttpClient;
  readonly #settings: HttpOutValues;
  readonly #kept: readonly Kept[];
  readonly #sending = new Set<Promise<unknown>>();

  constructor(client: HttpClient, settings: HttpOutValues) {
    this.#client = client;
    this.#settings = settings;
    this.#kept = keptOf(settings.replyHeaders);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const sending = this.#send(message, signal);
    this.#sending.add(sending);
    try {
      return await sending;
    } finally {
      this.#sending.delete(sending);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#sending);
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
    return replyOf(answer, this.#kept);
  }

  async #headers(message: Message): Promise<Record<string, string>> {
    const { method, contentType, headers } = this.#settings;
    const rendered: Record<string, string> = {};
    if (!BODILESS.has(method)) {
      rendered['content-type'] =
        contentType === undefined
          ? contentTypeOf(message.type, message.charset)
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

/** A header of answers whose value stands in the trace. */
interface Kept {
  readonly name: string;
  /** In lower case. */
  readonly key: string;
}

/** Never what signs in. */
function keptOf(names: readonly string[]): readonly Kept[] {
  return names
    .filter((name) => !/^(set-cookie|.*(auth|token|secret|key).*)$/i.test(name))
    .map((name) => ({ name, key: name.toLowerCase() }));
}

/** More than the beginning of any fault. */
const FAULT_WITHIN = 65_536;
const FAULT = /<(?:[\w-]+:)?Fault[\s>]/;
/** SOAP 1.1 §4.4.1 `faultcode`, SOAP 1.2 part 1 §5.4.6 `Value`: all but Server and Receiver. */
const BLAMES_THE_REQUEST =
  /<(?:faultcode[^>]*|(?:[\w-]+:)?Value[^>]*)>\s*(?:[\w-]+:)?(?:Client|Sender|MustUnderstand|VersionMismatch|DataEncodingUnknown)(?:\.[\w.]+)?\s*</;

/** Whether it is a SOAP fault that sending again unchanged cannot cure. It comes with status 500 like a server's own trouble. */
function blamesTheRequest(media: string, body: Uint8Array): boolean {
  if (!/xml/i.test(media)) return false;
  const text = Buffer.from(body.subarray(0, FAULT_WITHIN)).toString('latin1');
  return FAULT.test(text) && BLAMES_THE_REQUEST.test(text);
}

/** The answer as the engine judges it: its status is the code, a wish to wait goes with it. */
function replyOf({ status, headers, body }: HttpAnswer, kept: readonly Kept[]): Reply {
  const media = mediaTypeOf(headers['content-type']);
  const shown = kept.filter(({ key }) => headers[key] !== undefined);
  return {
    body,
    type: messageTypeOf(media, body.subarray(0, 2_048)),
    code: String(status),
    text: shown.map(({ name, key }) => `${name}: ${headers[key]}`).join('\n') || undefined,
    retryAfter: retryAfterOf(headers['retry-after']),
    problems:
      status >= 400 && blamesTheRequest(headers['content-type'] ?? '', body)
        ? ['client-fault']
        : undefined,
  };
}
