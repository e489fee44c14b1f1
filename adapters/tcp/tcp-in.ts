import {
  background,
  inbound,
  type LentInbound,
  NotConnectedError,
  type Open,
  type SettingsFault,
} from 'waybill/adapter';
import {
  dial,
  listenTcp,
  newsFilter,
  placeOf,
  probe,
  SenderConnection,
  tryListening,
} from 'waybill/peer';
import { framingFaults } from './framing-settings.ts';
import { type TcpInValues, tcpInSettings } from './tcp-in-settings.ts';
import { TcpIntake } from './tcp-intake.ts';

type LentHere = LentInbound<typeof tcpInSettings>;

export default inbound({
  type: 'tcp-in',
  title: 'TCP, listening or connecting to the sender',
  summary:
    'Takes messages of any framing (lines, marks such as STX and ETX, a length before each, fixed length) over TCP, with or without an answer.',
  settings: tcpInSettings,
  // It is the sender's only connection: two engines would take it from each other.
  pollsWith: ({ callOut }) => callOut !== undefined,
  check: (settings) => Promise.resolve(tcpInFaults(settings)),
  async open(lent) {
    const intake = new TcpIntake(lent);
    const { listen, callOut } = lent.settings;
    const open =
      callOut === undefined
        ? await listening(lent, intake, listen)
        : await callingOut(lent, intake, callOut);
    return {
      close() {
        intake.stop();
        return open.close();
      },
    };
  },
  async test(lent, step) {
    const { listen, tls, callOut } = lent.settings;
    if (callOut !== undefined) {
      const { connect: address, tls: client } = callOut;
      await probe(lent, step, { address, tls: client });
    } else if (listen !== undefined) {
      await tryListening(lent, step, { listen, tls });
    }
  },
});

function tcpInFaults(settings: TcpInValues): SettingsFault[] {
  const { listen, callOut, tls, closeAfterEach, framing, answer, repetitions } = settings;
  const faults = framingFaults(settings);
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if ((listen === undefined) === (callOut === undefined)) {
    const what = listen === undefined ? 'is missing' : 'does not go with callOut';
    wrong('listen', what, 'Say where to listen, or under callOut where to connect, not both.');
  }
  if (callOut !== undefined && tls !== undefined) {
    wrong('tls', 'is for listening', 'Put the tls block under callOut.');
  }
  if (callOut !== undefined && closeAfterEach) {
    wrong('closeAfterEach', 'does not go with callOut', 'Remove it: the connection is kept.');
  }
  if (callOut !== undefined && framing === 'closed') {
    wrong('framing', 'closed does not go with callOut', 'Choose another framing, or listen.');
  }
  if (answer === 'none' && repetitions === 'once') {
    faults.push({
      path: ['repetitions'],
      what: 'a sender that gets no answer has no reason to repeat a message: two equal ones may both count',
      remedy: 'Set repetitions: each, or an answer.',
      severity: 'warning',
    });
  }
  return faults;
}

/** What `check` has made sure of is looked at again: a production may be started without it. */
function listening(
  lent: LentHere,
  service: TcpIntake,
  listen: TcpInValues['listen'],
): Promise<Open> {
  if (listen === undefined) throw new NotConnectedError('listen is missing. Set it, or callOut.');
  const listener = { ...lent, settings: { ...lent.settings, listen } };
  return listenTcp(
    listener,
    (socket, sender, isNews) => new SenderConnection(socket, { lent, service, sender, isNews }),
  );
}

/** Connects to the sender and takes what it sends until either side ends. */
async function callingOut(
  lent: LentHere,
  service: TcpIntake,
  { connect: address, tls, connectTimeout: timeout }: NonNullable<TcpInValues['callOut']>,
): Promise<Open> {
  const { signal } = lent;
  const place = placeOf(address);
  const socket = await dial(lent, { address, tls, timeout }, signal);
  // It may close its side and still read the last answers.
  socket.allowHalfOpen = true;
  const connection = new SenderConnection(socket, {
    lent,
    service,
    sender: { address: address.host, origin: place },
    isNews: newsFilter(),
  });
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
        `${place} closed the connection. It is opened again; look into the log of the sender if it lasts.`,
      ),
    );
  };
  background(watch(), 'noting the end of a connection');
  return {
    async close() {
      closing = true;
      if (signal.aborted) abort();
      else connection.finish();
      // After a forced stop nobody waits for what is still in work.
      await Promise.race([connection.closed, aborted.promise]);
    },
  };
}
