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
import { type Kept, keptOpen, tryListening } from 'waybill/peer/basics';
import { placeOfUrl } from 'waybill/peer/http';
import { commonOf, joinListener, tryCallers } from 'waybill/peer/http-server';
import { asHttp, callPeer } from './connect.ts';
import { Conversation } from './conversation.ts';
import type { CallingValues } from './socket-settings.ts';
import { Taking } from './taking.ts';
import { tryCalling } from './try-calling.ts';
import { takenBy, WebsocketEndpoint } from './websocket-endpoint.ts';
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
  const needsCertificate = callers.some((one) => one?.kind === 'certificate');
  const faults: SettingsFault[] = [];
  if (needsCertificate && (tls?.clientCertificate ?? 'none') === 'none') {
    faults.push({
      path: ['callers'],
      what: 'kind certificate needs a client certificate, but none is requested',
      remedy: 'Set clientCertificate: requested or required under tls.',
    });
  }
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
