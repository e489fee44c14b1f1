import { Command } from 'commander';
import type { Broker } from '../../broker/broker.ts';
import { askControl } from '../../control/control.ts';
import type { SubscriberBrief } from '../../control/orders.ts';
import { ENGINE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

interface Flags extends WhereOptions {
  readonly on?: string;
  readonly off?: string;
  readonly json?: boolean;
}

export function subscribersCommand(): Command {
  return whereOptions(new Command('subscribers'))
    .description(
      'Shows whom operations of a running production tell of something (subscriptions of FHIR), those in trouble first.',
    )
    .argument('[host]', 'the operation that keeps them')
    .option('--off <id>', 'switches one off: its owner cannot switch it on again')
    .option('--on <id>', 'switches one on again')
    .option('--json', 'as JSON')
    .action(subscribers);
}

async function subscribers(host: string | undefined, flags: Flags): Promise<void> {
  const { on, off, json } = flags;
  const id = on ?? off;
  if (id !== undefined) {
    if (host === undefined || (on !== undefined && off !== undefined)) {
      throw new EngineError('CONFIG_INVALID', 'name the operation, and either --on or --off');
    }
    const order = { host, id, on: on !== undefined, by: orderedBy() };
    await withBroker(flags, (broker) => askControl(broker, ENGINE.turnSubscriber, order));
    return print(order.on ? 'switched on' : 'switched off');
  }
  const { shown, cut } = await withBroker(flags, (broker) => allOf(broker, host));
  const at = host === undefined ? '' : ` at ${host}`;
  if (json === true) return print(JSON.stringify(shown));
  if (shown.length === 0) return print(`nobody has subscribed to anything${at}`);
  const rows = shown.map((one) => [
    one.host,
    one.id,
    one.owner,
    one.about,
    one.place,
    one.held ? 'off (by operators)' : one.state,
    `${one.events}`,
    time(one.taken),
    `${one.failures}`,
    time(one.end),
    one.held ? '' : (one.error ?? ''),
  ]);
  const head = ['host', 'id', 'owner', 'about', 'told at', 'state', 'events', 'last taken'];
  print(table([[...head, 'failures', 'ends', 'why'], ...rows]));
  if (cut) print('there are more');
}

/** Part by part, each once: who gets into trouble meanwhile moves in the list. */
async function allOf(
  broker: Broker,
  host: string | undefined,
): Promise<{ readonly shown: readonly SubscriberBrief[]; readonly cut: boolean }> {
  const found = new Map<string, SubscriberBrief>();
  for (let after: string | undefined; ; ) {
    const { items, cut, next } = await askControl(broker, ENGINE.subscribers, { host, after });
    for (const one of items) found.set(`${one.host} ${one.id}`, one);
    after = next;
    if (after !== undefined) continue;
    // an engine of before names those of all hosts, and not how it goes on
    const shown = [...found.values()].filter((one) => host === undefined || one.host === host);
    return { shown, cut };
  }
}

const time = (at: number | undefined): string =>
  at === undefined ? 'never' : new Date(at).toISOString();
