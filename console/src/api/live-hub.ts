/**
 * One live stream for all windows of a browser that show a production, since a browser opens six connections to one
 * server: with a stream each, the seventh window would wait for ever. It is open while at least one of them is visible.
 */

/** Whose messages a page follows: those of one session, or of the hosts that a search is about. */
export interface Followed {
  readonly session?: number;
  readonly hosts?: string | undefined;
}

/** `follow` is told again with each change; `rest` while the page is hidden. */
export type ToHub =
  | { readonly kind: 'follow'; readonly url: string; readonly followed: Followed | undefined }
  | { readonly kind: 'rest' | 'leave' };

/** Topics of the stream besides `messages`. */
export const TOPICS = ['hosts', 'alerts', 'jobs', 'events'] as const;
/** `hello`: what was read before may be stale by now; `reset`: all of it is. */
export type Told = (typeof TOPICS)[number] | 'messages' | 'hello' | 'reset';

export type FromHub =
  | { readonly kind: 'told'; readonly what: readonly Told[] }
  | { readonly kind: 'live'; readonly now: boolean };

/** One page. */
interface Seat {
  readonly port: MessagePort;
  line?: Line;
  followed?: Followed | undefined;
  isSeen: boolean;
  /** What a hidden page is told once it is seen again. */
  readonly missed: Set<Told>;
}

interface Line {
  readonly seats: Set<Seat>;
  /** Whether the stream answers. */
  isLive(): boolean;
  /** Opens, changes or closes the stream, as the pages need it. */
  update(): void;
}

const AGAIN = 1_000;
const LONGEST = 30_000;

/** By the address of the stream: each production has its own. */
const lines = new Map<string, Line>();

/** Serves a page for as long as it is there. */
export function join(port: MessagePort): void {
  const seat: Seat = { port, isSeen: false, missed: new Set() };
  port.addEventListener('message', ({ data }: MessageEvent<ToHub>) => {
    seat.isSeen = data.kind === 'follow';
    if (data.kind === 'follow') sit(seat, data.url, data.followed);
    if (data.kind === 'leave') {
      seat.line?.seats.delete(seat);
      seat.missed.clear();
    }
    seat.line?.update();
    if (data.kind === 'leave') delete seat.line;
  });
  port.start();
}

function sit(seat: Seat, url: string, followed: Followed | undefined): void {
  const line = lines.get(url) ?? openLine(url);
  lines.set(url, line);
  const changed = JSON.stringify(seat.followed) !== JSON.stringify(followed);
  const joins = seat.line !== line;
  seat.followed = followed;
  if (joins) {
    seat.line?.seats.delete(seat);
    seat.line?.update();
    seat.line = line;
    line.seats.add(seat);
  }
  // the stream says so itself when it opens
  if (line.isLive()) {
    seat.port.postMessage({ kind: 'live', now: true } satisfies FromHub);
    if (joins || changed) tell(seat, 'hello');
  }
  if (seat.missed.size > 0) tell(seat, ...seat.missed);
  seat.missed.clear();
}

function tell(seat: Seat, ...what: readonly Told[]): void {
  if (seat.isSeen) seat.port.postMessage({ kind: 'told', what } satisfies FromHub);
  else for (const one of what) seat.missed.add(one);
}

function openLine(url: string): Line {
  const seats = new Set<Seat>();
  let source: EventSource | undefined;
  /** The address of the open stream, without its position. */
  let asked = '';
  /** The position in the stream: the next connection continues after it, so nothing is missed. */
  let last: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = AGAIN;
  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    close();
    const stream = new EventSource(last === undefined ? asked : `${asked}&lastEventId=${last}`);
    source = stream;
    follow(stream, seats, last === undefined, (id) => (last = id));
    stream.addEventListener('open', () => {
      wait = AGAIN;
      tellLive(seats, true);
    });
    stream.addEventListener('error', () => {
      tellLive(seats, false);
      // the browser reconnects after a broken connection, but never after an answer such as 502
      if (stream.readyState !== EventSource.CLOSED) return;
      clearTimeout(timer);
      timer = setTimeout(open, wait);
      wait = Math.min(LONGEST, wait * 2);
    });
  };
  return {
    seats,
    isLive: () => source?.readyState === EventSource.OPEN,
    update() {
      const seen = [...seats].filter(({ isSeen }) => isSeen);
      const address = seen.length === 0 ? '' : streamAddress(url, seen);
      const isOpen = source !== undefined && source.readyState !== EventSource.CLOSED;
      if (address === asked && (isOpen || address === '')) return;
      asked = address;
      if (address === '') close();
      else open();
    },
  };
}

function tellLive(seats: ReadonlySet<Seat>, now: boolean): void {
  for (const { port, isSeen } of seats)
    if (isSeen) port.postMessage({ kind: 'live', now } satisfies FromHub);
}

/** Tells the pages what a stream reports, and `onId` how far it is. */
function follow(
  stream: EventSource,
  seats: ReadonlySet<Seat>,
  isFirst: boolean,
  onId: (id: string) => void,
): void {
  const on = (name: Told, act: (data: string) => void): void =>
    stream.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
      if (lastEventId !== '') onId(lastEventId);
      act(data);
    });
  // a stream begins with the state of hosts, which a page that was just loaded has
  let isKnown = isFirst;
  for (const name of [...TOPICS, 'hello', 'reset'] as const)
    on(name, () => {
      if (name === 'hosts' && isKnown) isKnown = false;
      else for (const seat of seats) tell(seat, name);
    });
  on('messages', (data) => {
    const news = JSON.parse(data) as MessageNews;
    for (const seat of seats) if (concerns(seat.followed, news)) tell(seat, 'messages');
  });
}

/** With the messages that one of the pages follows; if they follow different ones, with all. */
function streamAddress(base: string, seats: readonly Seat[]): string {
  const follows = new Set(
    seats.flatMap(({ followed }) => (followed === undefined ? [] : [JSON.stringify(followed)])),
  );
  const url = new URL(base);
  const { searchParams } = url;
  searchParams.set('brief', 'true');
  searchParams.set('topics', (follows.size === 0 ? TOPICS : [...TOPICS, 'messages']).join(','));
  const [only, ...others] = follows;
  if (only !== undefined && others.length === 0)
    for (const [name, value] of Object.entries(JSON.parse(only) as Followed))
      searchParams.set(name, `${value}`);
  return url.href;
}

interface MessageNews {
  readonly items: readonly {
    readonly sessionId: number;
    readonly source?: string;
    readonly target: string;
  }[];
  /** How many more there are, of which nothing is known. */
  readonly more: number;
}

function concerns(followed: Followed | undefined, { items, more }: MessageNews): boolean {
  if (followed === undefined) return false;
  const { session, hosts } = followed;
  const named = hosts?.split(',');
  const isOf = (host: string | undefined): boolean =>
    named === undefined || (host !== undefined && named.includes(host));
  return (
    more > 0 ||
    items.some(({ sessionId, source, target }) =>
      session === undefined ? isOf(source) || isOf(target) : sessionId === session,
    )
  );
}
