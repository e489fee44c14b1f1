import { randomUUID } from 'node:crypto';
import { explained, type Lent, type Step, type setting } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { MqttConnection, type MqttLent } from './mqtt-connection.ts';

type TestLent = MqttLent & Pick<Lent<setting.Settings>, 'signal'>;

/** Name, TCP, TLS and sign-in, with its own client id and session: the one in use is not disturbed. */
export async function tryMqtt(lent: TestLent, step: Step): Promise<void> {
  const { connect: address, tls, version } = lent.settings;
  await probe(lent, step, { address, tls });
  const connection = await step('sign-in', (detail) =>
    explained(async () => {
      const session = {
        clientId: `waybill-try-${randomUUID().slice(0, 8)}`,
        clean: true,
        expiry: 0,
        receiveMaximum: 1,
      };
      const opened = await MqttConnection.open(lent, session, lent.signal);
      const { maximumQoS, retainAvailable } = opened.connack?.properties ?? {};
      const most = maximumQoS === undefined ? '' : `, QoS ${maximumQoS} at most`;
      detail(`MQTT ${version}${most}${retainAvailable === false ? ', nothing retained' : ''}`);
      return opened;
    }),
  );
  await connection.close();
}
