import type { ServerResponse } from 'node:http';

/** An answer made of server-sent events. */
export interface EventStream {
  /** Writes an event; with an `id`, a reconnect continues after it. */
  send(event: string, data: unknown, id?: string): void;
  /** Aborted once the client is gone, or was dropped for reading too slowly, after which it reconnects. */
  readonly signal: AbortSignal;
  end(): void;
}

/** A line that keeps proxies from closing a silent connection. */
const PING_EVERY = 15_000;
/** Bytes that may wait for a slow reader. */
const BEHIND = 1024 * 1024;

export function eventStream(response: ServerResponse): EventStream {
  const gone = new AbortController();
  const end = (): void => {
    if (!gone.signal.aborted) gone.abort();
    clearTimeout(timer);
    response.end();
  };
  const write = (text: string): void => {
    if (gone.signal.aborted) return;
    response.write(text);
    if (response.writableLength > BEHIND) {
      gone.abort();
      response.destroy();
    }
  };
  const ping = (): void => {
    write(': ping\n\n');
    timer = setTimeout(ping, PING_EVERY);
  };
  let timer = setTimeout(ping, PING_EVERY);
  response.once('close', end);
  response.flushHeaders();
  return {
    send(event, data, id) {
      const head = id === undefined ? '' : `id: ${id}\n`;
      // JSON contains no line ends
      write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    signal: gone.signal,
    end,
  };
}
