import { explained, type Lent, type Step, type setting } from 'waybill/adapter';
import { tryReaching } from 'waybill/peer/http';
import { asHttp, callPeer } from './connect.ts';
import { type CallingValues, clientValues, type SocketLimits } from './socket-settings.ts';

type TestLent = Pick<Lent<setting.Settings>, 'credential' | 'connection' | 'signal'>;

/** Name, TCP, proxy, TLS, and the handshake with its sign-in, on a connection of its own on which no message is sent. */
export async function tryCalling(
  lent: TestLent,
  step: Step,
  { calling, limits }: { readonly calling: CallingValues; readonly limits: SocketLimits },
): Promise<void> {
  const url = asHttp(calling.url);
  await tryReaching(lent, step, { url, values: clientValues(calling) });
  await step('WebSocket', (detail) =>
    explained(async () => {
      const quiet = { ...calling, greeting: [] };
      const live = await callPeer(lent, { calling: quiet, limits, signal: lent.signal });
      const { subprotocol } = live;
      detail(subprotocol === '' ? 'opened, without a subprotocol' : `opened, ${subprotocol}`);
      live.hear(1, () => Promise.resolve());
      await live.close(1_000);
    }),
  );
}
