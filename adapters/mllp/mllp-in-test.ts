import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import {
  connectionCause,
  describeCertificate,
  EngineError,
  type Lent,
  placeOf,
  type Step,
  StepFailure,
  serverTls,
  type setting,
} from 'waybill/adapter';
import type { mllpInSettings } from './mllp-in-settings.ts';

/**
 * Tests a listener without a message: whether the port can be had, or is listened on already (by
 * this service itself, when the production runs), and whether certificate and key are in order.
 */
export async function testListener(lent: Lent<typeof mllpInSettings>, step: Step): Promise<void> {
  const { listen, tls } = lent.settings;
  await step('TCP', async (detail) => detail(await portState(listen)));
  if (tls === undefined) return;
  await step('TLS', async (detail) => {
    try {
      const ready = await serverTls(lent, tls);
      ready.close();
      detail(describeCertificate(ready.certificate));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new StepFailure(error.message, 'Correct the tls block or the files it names');
    }
  });
}

async function portState(address: setting.Address): Promise<string> {
  const place = placeOf(address);
  const server = createServer();
  try {
    await once(server.listen(address.port, address.host), 'listening');
    return `${place} is free`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && (await answers(address))) {
      return `${place} is listened on: by this service, if the production runs`;
    }
    const { cause, remedy } = connectionCause(error, place);
    throw new StepFailure(cause, remedy);
  } finally {
    server.close();
  }
}

async function answers({ host, port }: setting.Address): Promise<boolean> {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const socket = connect({ host: local, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}
