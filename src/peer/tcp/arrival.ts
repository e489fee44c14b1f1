import type { Open, SettingsFault } from '../../adapter/adapter.ts';
import { type Address, optional, type Setting } from '../../adapter/setting.ts';
import type { Step } from '../../adapter/test-step.ts';
import { NotConnectedError } from '../../error/adapter-error.ts';
import { probe, tryListening } from '../probe.ts';
import type { TlsServerSettings } from '../tls/tls-settings.ts';
import { type CalledSender, callOut, callSender } from './called-sender.ts';
import { listenSettings } from './listener-settings.ts';
import { type ListenerLent, listenTcp, type Serve } from './tcp-listener.ts';

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
