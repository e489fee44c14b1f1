import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { NotConnectedError, type setting } from 'waybill/adapter';
import { notConnected, placeOf } from 'waybill/peer';

/** The browser answers within milliseconds; datagrams may get lost. */
const TRIES = 3;
const PATIENCE = 1_000;

/** CLNT_UCAST_INST and SVR_RESP of the SQL Server Resolution Protocol (MC-SQLR). */
const ASK_FOR_ONE = 4;
const ANSWER = 5;

/** Asks the SQL Server Browser at `browser` which port an instance listens on. */
export async function findInstance(
  browser: setting.Address,
  instance: string,
  signal: AbortSignal,
): Promise<setting.Address> {
  const place = placeOf(browser);
  const answer = await asked(browser, instance, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw notConnected(error, place);
  });
  if (answer === undefined) {
    throw new NotConnectedError(
      `Not connected: the SQL Server Browser at ${place} (UDP) does not answer for the instance ${instance}. Check the name, that the service SQL Server Browser runs there, and whether a firewall drops UDP; or give the instance a fixed port, set connect to it and remove instance.`,
    );
  }
  const port = Number(/(?:^|;)tcp;(\d+)(?:;|$)/.exec(answer)?.[1]);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return { host: browser.host, port };
  throw new NotConnectedError(
    `Not connected: the instance ${instance} at ${browser.host} does not listen on TCP. Have TCP/IP enabled for it in the SQL Server Configuration Manager.`,
  );
}

async function asked(
  { host, port }: setting.Address,
  instance: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    // then datagrams from others are ignored
    socket.connect(port, address);
    await once(socket, 'connect', { signal });
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const late = AbortSignal.timeout(PATIENCE);
      const answered = once(socket, 'message', { signal: AbortSignal.any([signal, late]) });
      socket.send(Buffer.from([ASK_FOR_ONE, ...Buffer.from(`${instance}\0`)]));
      const [bytes] = (await answered.catch((error: unknown) => {
        if (!late.aborted || signal.aborted) throw error;
        return [undefined];
      })) as [Buffer | undefined];
      if (bytes !== undefined) return textOf(bytes);
    }
    return undefined;
  } finally {
    socket.close();
  }
}

/** `ServerName;LAB01;InstanceName;LAB;IsClustered;No;Version;16.0.1000.6;tcp;50123;;` */
function textOf(bytes: Buffer): string {
  return bytes[0] === ANSWER ? bytes.subarray(3).toString('latin1') : '';
}
