import { Command } from 'commander';
import { keyed } from '../../broker/keyed.ts';
import { askControl } from '../../control/control.ts';
import { ENGINE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Mailbox } from '../../flow/mailbox.ts';
import { current, type StoredState, statePlace } from '../../flow/shared-state.ts';
import { describeSize } from '../../time/size.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

interface StateFlags extends WhereOptions {
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function stateCommand(): Command {
  return whereOptions(new Command('state'))
    .description(
      'Shows what messages of a running production share (`context.state`): all keys, or the value of one.',
    )
    .argument('[key]')
    .option('--remove', 'removes it: the next message finds nothing')
    .option('--json', 'as JSON')
    .action(state);
}

async function state(key: string | undefined, flags: StateFlags): Promise<void> {
  if (key === undefined) {
    if (flags.remove === true) throw new EngineError('CONFIG_INVALID', '--remove needs a key');
    return list(flags);
  }
  if (flags.remove === true) return remove(key, flags);
  await withBroker(flags, async (broker) => {
    const { value: stored } = await keyed(broker).read<StoredState>(statePlace(key));
    const value = current(stored);
    if (value === undefined) throw none(key);
    print(JSON.stringify(flags.json === true ? { ...stored, key } : value));
  });
}

/** A key that was removed or whose time is over is not listed. */
async function list(flags: StateFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const rows: string[][] = [];
    for await (const { value: stored, place } of keyed(broker).all<StoredState>('state')) {
      const value = current(stored);
      if (value === undefined) continue;
      const { at, until, by } = stored;
      const { key } = place;
      if (flags.json === true) print(JSON.stringify({ key, value, at, until, by }));
      else {
        const size = `${Buffer.byteLength(JSON.stringify(value))} B`;
        rows.push([key, size, time(at), `${by.host}, message ${by.message}`, time(until)]);
      }
    }
    if (flags.json === true) return;
    if (rows.length === 0) return print('messages share no state');
    print(table([['key', 'size', 'changed', 'by', 'ends'], ...rows]));
  });
}

const time = (at: number): string => new Date(at).toISOString();

async function remove(key: string, flags: StateFlags): Promise<void> {
  const order = { key, by: orderedBy() };
  const { removed } = await withBroker(flags, (broker) =>
    askControl(broker, ENGINE.removeState, order),
  );
  if (!removed) throw none(key);
  print('removed');
}

interface BatchFlags extends WhereOptions {
  readonly key: string;
  readonly release?: boolean;
  readonly discard?: boolean;
  readonly json?: boolean;
}

export function batchesCommand(): Command {
  return whereOptions(new Command('batches'))
    .description(
      'Shows what processes of a running production collect; --release sends it now, --discard ends it.',
    )
    .argument('[host]', 'the process')
    .option('--key <key>', 'what is collected under this key', '')
    .option('--release', 'makes a message of it now')
    .option('--discard', 'discards the collected messages')
    .option('--json', 'as JSON')
    .action(batches);
}

async function batches(host: string | undefined, flags: BatchFlags): Promise<void> {
  const { key, release = false, discard = false, json } = flags;
  if (release || discard) {
    if (host === undefined || release === discard) {
      const text = 'name the process, and either --release or --discard';
      throw new EngineError('CONFIG_INVALID', text);
    }
    const order = { host, key, discard, by: orderedBy() };
    const { parts } = await withBroker(flags, (broker) =>
      askControl(broker, ENGINE.closeBatch, order),
    );
    return print(`${discard ? 'discarded' : 'released'} ${parts}`);
  }
  const all = await withBroker(flags, (broker) => askControl(broker, ENGINE.batches, null));
  const shown = all.filter((one) => host === undefined || one.host === host);
  if (json === true) return print(JSON.stringify(shown));
  if (shown.length === 0) return print('nothing is collected');
  const rows = shown.map((one) => [
    one.host,
    one.key,
    `${one.parts}`,
    describeSize(one.bytes),
    time(one.since),
    one.closed === undefined ? time(one.until) : `being made (${one.closed})`,
  ]);
  print(table([['host', 'key', 'messages', 'size', 'since', 'until'], ...rows]));
}

interface WaitsFlags extends WhereOptions {
  readonly json?: boolean;
}

export function waitsCommand(): Command {
  return whereOptions(new Command('waits'))
    .description(
      'Shows which messages of a running production wait for others (`context.receive`), and under which key.',
    )
    .argument('[host]', 'the process')
    .option('--json', 'as JSON')
    .action(waits);
}

async function waits(host: string | undefined, flags: WaitsFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const rows: string[][] = [];
    for await (const { value, place } of keyed(broker).all<Mailbox>('mail')) {
      if (host !== undefined && place.host !== host) continue;
      if (flags.json === true) print(JSON.stringify({ ...place, ...value }));
      const row = (message: number, what: string, until: number): void =>
        void rows.push([place.host, place.key, `${message}`, what, time(until)]);
      for (const { message, when, until } of value.waiters) row(message, when ?? 'any', until);
      for (const { id, until } of value.early) row(id, '(nobody waits for it yet)', until);
    }
    if (flags.json === true) return;
    if (rows.length === 0) return print('no message waits for another');
    print(table([['host', 'key', 'message', 'waits for', 'until'], ...rows]));
  });
}

const none = (key: string): EngineError =>
  new EngineError('NOT_FOUND', `messages share nothing under ${key}; waybill state lists the keys`);
