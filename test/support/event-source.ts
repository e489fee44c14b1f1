/** An event of a stream, as received. */
export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** Reads server-sent events like a browser: keeps the last id for a reconnect. */
export interface EventSourceClient extends AsyncDisposable {
  readonly events: ReadEvent[];
  readonly lastId: string | undefined;
  /** Whether the server has ended it: a browser would reconnect. */
  readonly ended: boolean;
  close(): Promise<void>;
}

export async function eventSource(url: URL, lastId?: string): Promise<EventSourceClient> {
  const controller = new AbortController();
  const response = await fetch(url, {
    signal: controller.signal,
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`the stream answers ${response.status}`);
  }
  const events: ReadEvent[] = [];
  let last = lastId;
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      rest += decoder.decode(chunk, { stream: true });
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const event = eventOf(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event === undefined) continue;
        last = event.id ?? last;
        events.push(event);
      }
    }
  };
  let ended = false;
  const reading = read(response.body)
    .catch(() => undefined)
    .finally(() => (ended = true));
  const close = async (): Promise<void> => {
    controller.abort();
    await reading;
  };
  return {
    events,
    get lastId() {
      return last;
    },
    get ended() {
      return ended;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function eventOf(text: string): ReadEvent | undefined {
  const field = (name: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const event = field('event');
  if (event === undefined) return undefined;
  return { id: field('id'), event, data: JSON.parse(field('data') ?? 'null') };
}
