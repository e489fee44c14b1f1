import {
  contentTypeOf,
  type HttpAnswer,
  type HttpClient,
  type Message,
  mediaTypeOf,
  messageTypeOf,
  type OpenOutbound,
  type Reply,
  retryAfterOf,
} from 'waybill/adapter';
import type { HttpOutValues } from './http-out-settings.ts';

const BODILESS = new Set(['GET', 'HEAD', 'DELETE']);

/** Turns messages into requests and answers into replies. */
export class HttpSender implements OpenOutbound {
  readonly #client: HttpClient;
  readonly #settings: HttpOutValues;
  readonly #sending = new Set<Promise<unknown>>();

  constructor(client: HttpClient, settings: HttpOutValues) {
    this.#client = client;
    this.#settings = settings;
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
    const hasBody = !BODILESS.has(method);
    const answer = await this.#client.ask({
      method,
      url: await url.render(message),
      headers: {
        ...(hasBody && { 'content-type': await this.#contentType(message) }),
        ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
        ...(this.#settings.headers.length > 0 && (await this.#headers(message))),
      },
      ...(hasBody && { body: message.body }),
      signal,
    });
    return { ...replyOf(answer), text: shown(answer, this.#settings.replyHeaders) };
  }

  async #contentType(message: Message): Promise<string> {
    const { contentType } = this.#settings;
    return contentType === undefined
      ? contentTypeOf(message.type, message.charset)
      : contentType.render(message);
  }

  async #headers(message: Message): Promise<Record<string, string>> {
    const rendered = this.#settings.headers.map(
      async ({ name, value }) => [name, await value.render(message)] as const,
    );
    return Object.fromEntries((await Promise.all(rendered)).filter(([, value]) => value !== ''));
  }
}

/** Never what signs in: a reply stands in the trace. */
function shown({ headers }: HttpAnswer, names: readonly string[]): string | undefined {
  const lines = names
    .filter((name) => !/^(set-cookie|.*(auth|token|secret|key).*)$/i.test(name))
    .map((name) => [name, headers[name.toLowerCase()]] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** The answer as the engine judges it: its status is the code, a wish to wait goes with it. */
export function replyOf({ status, headers, body }: HttpAnswer): Reply {
  const media = mediaTypeOf(headers['content-type']);
  return {
    body,
    type: messageTypeOf(media, body.subarray(0, 2_048)),
    code: String(status),
    retryAfter: retryAfterOf(headers['retry-after']),
  };
}
