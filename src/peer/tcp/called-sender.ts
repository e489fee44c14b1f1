import type { Socket } from 'node:net';
import type { LentInbound, Open } from '../../adapter/adapter.ts';
import {
  address,
  duration,
  group,
  type Setting,
  type Settings,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { NotConnectedError } from '../../error/adapter-error.ts';
import { background } from '../../error/background.ts';
import { dial, placeOf } from '../dial.ts';
import { newsFilter } from '../news.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import { tlsClient } from '../tls/tls-settings.ts';
import type { Serve } from './tcp-listener.ts';

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

export type CalledSender = ValuesOf<typeof fields>;

/** The setting of a service that connects to its sender. With it, only one engine opens the service. */
export const callOut: Setting<CalledSender | undefined, object | undefined> = group(fields, {
  help: 'Connects to a sender that listens itself, instead of listen: as soon as the service starts, and again whenever the connection is lost. Only one of several engines does.',
});

type CallingLent = TlsClientLent & Pick<LentInbound<Settings>, 'signal' | 'connection' | 'lost'>;

/** Connects to the sender and takes what it sends until either side ends; the engine is told, and opens it again. */
export async function callSender(
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
      // After a forced stop nobody waits for what is still in work.
      await Promise.race([connection.closed, aborted.promise]);
    },
  };
}
