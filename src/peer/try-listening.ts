import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describeCertificate } from '../adapter/certificate-facts.ts';
import type { Address } from '../adapter/setting.ts';
import { type Step, StepFailure } from '../adapter/test-step.ts';
import { EngineError } from '../error/engine-error.ts';
import { connectionCause } from './connection-cause.ts';
import { placeOf } from './dial.ts';
import { serverTls } from './tls/server-tls.ts';
import type { TlsLent } from './tls/tls-files.ts';
import type { TlsServerSettings } from './tls/tls-settings.ts';

/**
 * The first steps of the test of a listener, without a message: `TCP`, whether the port can be had or
 * is listened on already (by this service itself, when the production runs), and `TLS`, whether
 * certificate and key are in order.
 */
export async function tryListening(
  lent: TlsLent,
  step: Step,
  { listen, tls }: { readonly listen: Address; readonly tls: TlsServerSettings | undefined },
): Promise<void> {
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

async function portState(address: Address): Promise<string> {
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

async function answers({ host, port }: Address): Promise<boolean> {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const socket = connect({ host: local, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    // refused, or nobody answered in time
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}
