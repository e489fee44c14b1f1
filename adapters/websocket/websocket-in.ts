import {
  background,
  inbound,
  type Lent,
  type LentInbound,
  NotConnectedError,
  type Open,
  type SettingsFault,
  type Step,
} from 'waybill/adapter';
import { type Kept, keptOpen, Paced, tryListening } from 'waybill/peer/basics';
import { placeOfUrl } from 'waybill/peer/http';
import {
  type Access,
  type Arrived,
  authorize,
  type Caller,
  certificateFaults,
  commonOf,
  type HttpService,
  Incoming,
  joinListener,
  Refusal,
  refusalAnswer,
  refusalOf,
  respond,
  type ServedRoute,
  type ServedUpgrade,
  Serving,
  schemesOf,
  tryCallers,
} from 'waybill/peer/http-server';
import { frameMemory } from 'waybill/peer/tcp';
import { WebSocketServer } from 'ws';
import { asHttp, CLOSING, callPeer } from './connect.ts';
import { type Ending, LiveSocket } from './live-socket.ts';
import type { CallingValues } from './socket-settings.ts';
import { Taking, type WebSender } from './taking.ts';
import { tryCalling } from './try-calling.ts';
import { type WebsocketInValues, websocketInSettings } from './websocket-in-settings.ts';

type WebsocketInLent = LentInbound<typeof websocketInSettings>;

export default inbound({
  type: 'websocket-in',
  title: 'WebSocket, listening or connecting to the sender',
  summary:
    'Takes the messages that come over WebSockets, from clients that connect or from a server it connects to, and answers each.',
  settings: websocketInSettings,
  // the sender has only one connection: two engines would get everything twice
  pollsWith: ({ callOut }) => callOut !== undefined,
  sharing: (settings) =>
    Promise.resolve({
      family: 'http',
      takes: takenBy(settings),
      common: { name: 'tls', value: commonOf(settings) },
    }),
  check: (settings) => Promise.resolve(websocketInFaults(settings)),
  open: (lent) => openIntake(lent),
  test: (lent, step) => tryIntake(lent, step),
});

export function websocketInFaults(settings: WebsocketInValues): SettingsFault[] {
  const { listen, callOut, tls, callers, origins } = settings;
  const faults: SettingsFault[] = [...callerFaults(settings)];
  const fault = (setting: string, what: string, remedy: string): number =>
    faults.push({ path: [setting], what, remedy });
  if ((listen === undefined) === (callOut === undefined)) {
    const what = listen === undefined ? 'is missing' : 'does not go with callOut';
    fault('listen', what, 'Say where to listen, or under callOut where to connect, not both.');
  }
  const forListening = { tls, callers: callers[0], origins: origins[0] };
  for (const [name, value] of callOut === undefined ? [] : Object.entries(forListening)) {
    if (value !== undefined) fault(name, 'is for listening', 'Remove it, or set listen.');
  }
  return faults;
}

function callerFaults({ tls, callers }: WebsocketInValues): SettingsFault[] {
  const faults = certificateFaults({ callers, tls });
  if (callers.some((one) => one?.kind === 'hmac')) {
    faults.push({
      path: ['callers'],
      what: 'hmac signs a body, and a WebSocket opens without one',
      remedy: 'Choose another kind.',
    });
  }
  return faults;
}

async function openIntake(lent: WebsocketInLent): Promise<Open> {
  const { listen, callOut, path, callers } = lent.settings;
  if (callOut !== undefined) {
    return await keptOpen(lent, (signal) => CalledSender.open(lent, callOut, signal));
  }
  // the check says so too, but a production may be started without one
  if (listen === undefined) throw new NotConnectedError('listen is missing. Set it, or callOut.');
  const membership = await joinListener(
    { ...lent, settings: { ...lent.settings, listen } },
    new WebsocketEndpoint(lent),
  );
  const who = callers.length === 0 ? ', everybody may connect' : '';
  lent.connection('listening', `${membership.place}${path.source}${who}`);
  return { close: () => membership.leave() };
}

/** A server that we connect to, and whose messages we take. */
class CalledSender implements Kept {
  readonly #conversation: Conversation;
  readonly #taking: Taking;
  readonly #closed: Promise<unknown>;
  readonly #signal: AbortSignal;
  readonly #lost = Promise.withResolvers<Error>();
  readonly lost = this.#lost.promise;
  #closing = false;

  private constructor(
    lent: WebsocketInLent,
    place: string,
    live: Awaited<ReturnType<typeof callPeer>>,
  ) {
    this.#signal = lent.signal;
    this.#taking = new Taking(lent);
    const sender = { address: place, origin: place };
    this.#conversation = new Conversation(live, this.#taking, sender, lent.settings.atOnce);
    const cut = (): void => live.fail(new NotConnectedError('Stopped. Start the service again.'));
    lent.signal.addEventListener('abort', cut, { once: true });
    const watch = async (): Promise<void> => {
      const { error } = await live.closed;
      lent.signal.removeEventListener('abort', cut);
      if (this.#closing || lent.signal.aborted) return;
      lent.connection('disconnected');
      this.#lost.resolve(error);
    };
    this.#closed = watch();
    background(this.#closed, 'hearing of a lost connection');
  }

  static async open(
    lent: WebsocketInLent,
    calling: CallingValues,
    signal: AbortSignal,
  ): Promise<CalledSender> {
    const live = await callPeer(lent, { calling, limits: lent.settings, signal });
    const place = placeOfUrl(asHttp(calling.url));
    const said = live.subprotocol === '' ? '' : `, ${live.subprotocol}`;
    lent.connection('connected', `${place}${said}`);
    return new CalledSender(lent, place, live);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#taking.stop();
    const finished = this.#signal.aborted ? this.#closed : this.#conversation.finish(1_000);
    await Promise.race([finished, this.#closed]);
  }
}

/** Checks that the port is free, the certificate works and callers can be checked; or that the sender can be reached. */
async function tryIntake(lent: Lent<typeof websocketInSettings>, step: Step): Promise<void> {
  const { listen, callOut, tls, callers } = lent.settings;
  if (callOut !== undefined)
    await tryCalling(lent, step, { calling: callOut, limits: lent.settings });
  else if (listen !== undefined) {
    await tryListening(lent, step, { listen, tls });
    await tryCallers(lent, step, callers);
  }
}

/** We stop: RFC 6455 §7.4.1. */
const GOING_AWAY = 1_001;

const NO_BODY = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(0));

/** What a service takes at its address. */
const takenBy = ({ path }: Pick<WebsocketInValues, 'path'>): readonly string[] => [
  `WebSocket ${path.shape}`,
];

/** One service behind a listener that it may share with web services, and the connections it has. */
class WebsocketEndpoint implements HttpService {
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

/** One connection of a sender: its messages are taken in their order, and answered in it. */
class Conversation {
  readonly #live: LiveSocket;
  readonly #taking: Taking;
  readonly #sender: WebSender;
  readonly #paced: Paced;
  #answered: Promise<void> = Promise.resolve();

  constructor(live: LiveSocket, taking: Taking, sender: WebSender, atOnce: number) {
    this.#live = live;
    this.#taking = taking;
    this.#sender = sender;
    this.#paced = new Paced(atOnce);
    live.hear(atOnce, (body, isText) => this.#heard(body, isText));
  }

  /** Takes nothing more, and says goodbye once what is in work is answered. */
  async finish(code: number): Promise<void> {
    this.#live.stop();
    await this.#answered;
    await this.#live.close(code);
  }

  #heard(body: Buffer, isText: boolean): Promise<void> {
    const before = this.#answered;
    const taken = this.#paced.run(() => this.#taking.take({ body, isText, sender: this.#sender }));
    this.#answered = this.#answer(taken, before, isText);
    return this.#answered;
  }

  async #answer(
    taken: Promise<Uint8Array | undefined>,
    before: Promise<void>,
    isText: boolean,
  ): Promise<void> {
    const answer = await taken;
    await before;
    if (answer === undefined || !this.#live.isOpen) return;
    try {
      await this.#live.sendAtOnce(answer, isText);
    } catch {
      // the connection is lost, which its owner hears of: the sender sends again what was not answered
    }
  }
}
