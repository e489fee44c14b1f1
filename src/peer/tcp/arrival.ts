import type { Socket } from 'node:net';
import type { LentInbound, Open, SettingsFault } from '../../adapter/adapter.ts';
import {
  type Address,
  address,
  duration,
  group,
  optional,
  type Setting,
  type Settings,
  type ValuesOf,
} from '../../adapter/setting.ts';
import type { Step } from '../../adapter/test-step.ts';
import { NotConnectedError } from '../../error/adapter-error.ts';
import { background } from '../../error/background.ts';
import { dial, placeOf } from '../dial.ts';
import { newsFilter } from '../news.ts';
import { probe, tryListening } from '../probe.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import { type TlsServerSettings, tlsClient } from '../tls/tls-settings.ts';
import { listenSettings } from './listener-settings.ts';
import { type ListenerLent, listenTcp, type Serve } from './tcp-listener.ts';

const fields = {
  connect: address({
    help: 'Address and port of the sender, or of the terminal server for its serial line.',
    example: 'analyser.example:4001',
  }),
  tls: tlsClient(),
  connectTimeout: duration({
    help: 'How long connecting may take, TLS included.',
    default: '5s',
    advanced: true,
  }),
};

type CalledSender = ValuesOf<typeof fields>;

/** The setting of a service that connects to its sender. With it, only one engine opens the service. */
const callOut: Setting<CalledSender | undefined, object | undefined> = group(fields, {
  help: 'Connects to a sender that listens itself, instead of listen: as soon as the service starts, and again whenever the connection is lost. Only one of several engines does.',
});

type CallingLent = TlsClientLent & Pick<LentInbound<Settings>, 'signal' | 'connection' | 'lost'>;

/** Connects to the sender and takes what it sends until either side ends; the engine is told, and opens it again. */
async function callSender(
  lent: CallingLent,
  { connect, tls, connectTimeout: timeout }: CalledSender,
  serve: Serve,
): Promise<Open> {
  const { signal } = lent;
  const place = placeOf(connect);
  const socket: Socket = await dial(lent, { address: connect, tls, timeout }, signal);
  // It may close its side and still read the last answers.
  socket.allowHalfOpen = true;
  const connection = serve(socket, { address: connect.host, origin: place }, newsFilter());
  let closing = false;
  const aborted = Promise.withResolvers<void>();
  const abort = (): void => {
    aborted.resolve();
    connection.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  lent.connection('connected', place);
  const watch = async (): Promise<void> => {
    await connection.closed;
    signal.removeEventListener('abort', abort);
    if (closing || signal.aborted) return;
    lent.lost(
      new NotConnectedError(
        `${place} closed the connection. It is opened again; look into the log of the sender if this persists.`,
      ),
    );
  };
  background(watch(), 'noting the end of a connection');
  return {
    async close() {
      closing = true;
      if (signal.aborted) abort();
      else connection.finish();
      // After a forced stop nobody waits for unfinished work.
      await Promise.race([connection.closed, aborted.promise]);
    },
  };
}

type ListenSettings = ReturnType<typeof listenSettings>;

interface ArrivalSettings extends Omit<ListenSettings, 'listen'> {
  readonly listen: Setting<Address | undefined, string | undefined>;
  readonly callOut: typeof callOut;
}

/** For a service whose senders connect to it, or that connects to its sender. `port` is a usual one, for the example. */
export function arrivalSettings(port: number): ArrivalSettings {
  const { listen, ...others } = listenSettings(port);
  return { listen: optional(listen), callOut, ...others };
}

interface ArrivalValues {
  readonly listen: Address | undefined;
  readonly callOut: CalledSender | undefined;
  readonly tls: TlsServerSettings | undefined;
}

/** Faults in the settings of how messages arrive. */
export function arrivalFaults({ listen, callOut: called, tls }: ArrivalValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if ((listen === undefined) === (called === undefined)) {
    const what = listen === undefined ? 'is missing' : 'does not go with callOut';
    const remedy = 'Say where to listen, or under callOut where to connect, not both.';
    faults.push({ path: ['listen'], what, remedy });
  }
  if (called !== undefined && tls !== undefined) {
    const remedy = 'Put the tls block under callOut.';
    faults.push({ path: ['tls'], what: 'is for listening', remedy });
  }
  return faults;
}

type ArrivalLent = Omit<ListenerLent, 'settings'> & {
  readonly settings: Omit<ListenerLent['settings'], 'listen'> & ArrivalValues;
};

/** Listens, or connects to the sender. Throws NotConnectedError with the cause in plain words. */
export async function openArrival(lent: ArrivalLent, serve: Serve): Promise<Open> {
  const { listen, callOut: called } = lent.settings;
  if (called !== undefined) return await callSender(lent, called, serve);
  // `arrivalFaults` checks this, but a production may be started without a check
  if (listen === undefined) throw new NotConnectedError('listen is missing. Set it, or callOut.');
  return await listenTcp({ ...lent, settings: { ...lent.settings, listen } }, serve);
}

/** The first steps of the connection test of such a service. */
export async function tryArrival(
  lent: Omit<ListenerLent, 'settings' | 'lost'> & { readonly settings: ArrivalValues },
  step: Step,
): Promise<void> {
  const { listen, callOut: called, tls } = lent.settings;
  if (called !== undefined) {
    await probe(lent, step, { address: called.connect, tls: called.tls });
  } else if (listen !== undefined) {
    await tryListening(lent, step, { listen, tls });
  }
}
