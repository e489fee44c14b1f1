import { background, type LentInbound } from 'waybill/adapter';
import {
  type Access,
  type Arrived,
  authorize,
  type Caller,
  type HttpService,
  Incoming,
  Refusal,
  refusalAnswer,
  refusalOf,
  respond,
  type ServedRoute,
  type ServedUpgrade,
  Serving,
  schemesOf,
} from 'waybill/peer/http-server';
import { frameMemory } from 'waybill/peer/tcp';
import { WebSocketServer } from 'ws';
import { CLOSING } from './connect.ts';
import { Conversation } from './conversation.ts';
import { type Ending, LiveSocket } from './live-socket.ts';
import { Taking } from './taking.ts';
import type { WebsocketInValues, websocketInSettings } from './websocket-in-settings.ts';

/** We stop: RFC 6455 §7.4.1. */
const GOING_AWAY = 1_001;

const NO_BODY = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(0));

/** What a service takes at its address. */
export const takenBy = ({ path }: Pick<WebsocketInValues, 'path'>): readonly string[] => [
  `WebSocket ${path.shape}`,
];

/** One service behind a listener that it may share with web services, and the connections it has. */
export class WebsocketEndpoint implements HttpService {
  readonly #lent: LentInbound<typeof websocketInSettings>;
  readonly serving: Serving;
  readonly #taking: Taking;
  readonly #access: Access;
  readonly #server: WebSocketServer;
  readonly #conversations = new Map<Conversation, LiveSocket>();

  constructor(lent: LentInbound<typeof websocketInSettings>) {
    const { callers, compress, limit, subprotocols } = lent.settings;
    this.#lent = lent;
    this.serving = new Serving(lent);
    this.#taking = new Taking(lent);
    const schemes = schemesOf(lent, callers);
    this.#access = schemes.length === 0 ? [] : [[{ schemes, scopes: [] }]];
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limit,
      perMessageDeflate: compress,
      ...CLOSING,
      handleProtocols: (offered) => subprotocols.find((one) => offered.has(one)) ?? false,
    });
  }

  get host(): string {
    return this.#lent.host;
  }

  get takes(): readonly string[] {
    return takenBy(this.#lent.settings);
  }

  /** A plain request is told what to do, unless another service answers it. */
  route(path: string): ServedRoute | undefined {
    const { path: pattern } = this.#lent.settings;
    if (pattern.match(path) === undefined) return undefined;
    const headers = { upgrade: 'websocket', connection: 'upgrade' };
    const refusal = new Refusal(426, 'This address is for WebSockets.', { headers });
    return {
      rank: `1${pattern.rank}`,
      serve: ({ response }) => respond(response, refusalAnswer(refusal)),
    };
  }

  upgrade(path: string): ServedUpgrade | undefined {
    const { path: pattern } = this.#lent.settings;
    const parameters = pattern.match(path);
    if (parameters === undefined) return undefined;
    return {
      rank: pattern.rank,
      serve: (arrived, head) =>
        this.serving.run(arrived, this.#admit(arrived, new Incoming(arrived, parameters), head)),
    };
  }

  lost(error: Error): void {
    this.#lent.lost(error);
  }

  async close(): Promise<void> {
    this.#taking.stop();
    const { signal } = this.#lent;
    const cut = (): void => {
      for (const live of this.#conversations.values()) live.fail(new Error('stopped'));
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    await this.serving.close();
    const ending = [...this.#conversations.keys()].map((one) => one.finish(GOING_AWAY));
    const closed = [...this.#conversations.values()].map((live) => live.closed);
    // after a forced stop nobody waits for unfinished work
    await (signal.aborted
      ? Promise.all(closed)
      : Promise.race([Promise.all(ending), aborted(signal)]));
    signal.removeEventListener('abort', cut);
  }

  async #admit(arrived: Arrived, incoming: Incoming, head: Buffer): Promise<void> {
    const { response } = arrived;
    try {
      this.serving.checkOpen();
      checkOrigin(incoming, this.#lent.settings.origins);
      const caller = await authorize(incoming, {
        access: this.#access,
        cors: undefined,
        body: NO_BODY,
      });
      this.serving.checkOpen();
      this.#shake(arrived, head, caller);
    } catch (error) {
      const refusal = refusalOf(error);
      this.serving.refused(arrived.address, refusal, error);
      respond(response, refusalAnswer(refusal));
    }
  }

  #shake({ request, response, address }: Arrived, head: Buffer, caller: Caller | undefined): void {
    const { socket: wire } = request;
    const { settings } = this.#lent;
    const origin = caller === undefined ? address : `${address} ${caller.name}`.trim();
    response.detachSocket(wire);
    this.#server.handleUpgrade(request, wire, head, (socket) => {
      const share = frameMemory.share(address, settings.limit);
      const live = new LiveSocket(socket, wire, { place: address, limits: settings, share });
      const sender = { address, origin };
      const conversation = new Conversation(live, this.#taking, sender, settings.atOnce);
      this.#conversations.set(conversation, live);
      background(this.#forget(conversation, live), 'hearing of the end of a connection');
    });
  }

  async #forget(conversation: Conversation, live: LiveSocket): Promise<void> {
    const ending = await live.closed;
    this.#conversations.delete(conversation);
    this.#tellOf(live.place, ending);
  }

  /** What a sender did wrong, or why it was cut off. */
  #tellOf(address: string, { ours }: Ending): void {
    if (ours === undefined || this.serving.isClosing) return;
    if (!this.serving.isNews(address, ours)) return;
    this.#lent.event(
      'warn',
      'connection-closed',
      `Closed the connection of ${address}: it ${ours}.`,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A browser connects for any page that asks it to, with what it knows of us: only for pages that may. */
function checkOrigin({ headers, secure }: Incoming, allowed: readonly string[]): void {
  const { origin, host = '' } = headers;
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return;
  if (allowed.length === 0 && origin === `${secure ? 'https' : 'http'}://${host}`) return;
  throw new Refusal(403, 'Pages of this origin may not connect.', {
    told: 'a web page of an origin that is not under origins tried to connect',
  });
}
