import type { Broker } from '../broker/broker.ts';
import type { Events } from '../log/events.ts';

/** Something that was open to others on this machine no longer is: they learn why. */
export function tellTightened(told: Events, paths: readonly string[]): void {
  const [first] = paths;
  if (first === undefined) return;
  const more = paths.length === 1 ? '' : ` and ${paths.length - 1} more in it`;
  told.told(
    '',
    'warn',
    'rights-tightened',
    `Other accounts of this machine could read ${first}${more}; they no longer can. What others must read, such as files for another program, belongs in a folder outside the data folder.`,
  );
}

/** A server open to everybody lets everybody read, change and send messages. */
export function tellOpenBroker(told: Events, { connection }: Broker): void {
  const { auth_required: asks, tls_verify: verifies } = connection.info ?? {};
  if (asks === true || verifies === true) return;
  told.told(
    '',
    'warn',
    'nats-open',
    'The NATS server has no authentication: anyone who reaches it can read, change and send messages. Give it users (authorization { … } in its configuration) or have it verify certificates, and name a user in WAYBILL_NATS.',
  );
}
