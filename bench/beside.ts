import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { print, say, table } from '../src/cli/output.ts';
import { PEERS } from './beside/every-peer.ts';
import type { Load, Measured, Pace } from './beside/measured.ts';
import { type Failed, measurePeer, type Outcome } from './beside/peer-process.ts';
import { loadOfMachine } from './machine.ts';

/**
 * The rate of messages with each adapter beside that of its bare client, at the same peer in the same run and with a store
 * that accepts everything at once; and the processor time of a message on either side, which says more on a busy machine.
 *
 *     node --conditions=waybill-source bench/beside.ts [--only nats,mllp] [--what nats-out] [--rounds 5] [--seconds 0.7]
 *
 * A round has as many messages as the bare client takes that long for; `--messages 2000` gives their number instead. Each
 * peer is measured in a process of its own. Ends with 1 if anything failed or is below what is asked for.
 */

/** Of the rate of the bare client. */
const ASKED = 0.8;
/** Milliseconds for the start of a peer, and for each turn of a side. */
const LIMIT = 90_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PEERS).join() },
    what: { type: 'string', default: '' },
    messages: { type: 'string' },
    seconds: { type: 'string', default: '0.7' },
    rounds: { type: 'string', default: '5' },
  },
});

const isFailed = (outcome: Outcome): outcome is Failed => 'why' in outcome;
const isMeasured = (outcome: Outcome): outcome is Measured => !isFailed(outcome);
const isShort = ({ ratio, isLess }: Measured): boolean => ratio < ASKED && !isLess;

const HEAD = ['', '× bare', 'lowest', 'highest', 'a round', '/s', 'bare /s', 'µs', 'bare µs'];

function rowOf({ what, messages, bare, adapter, ...ratios }: Measured): string[] {
  const all = [ratios.ratio, ratios.lowest, ratios.highest].map((one) => one.toFixed(2));
  const rates = [adapter, bare].map(({ perSecond }) => String(Math.round(perSecond)));
  return [what, ...all, String(messages), ...rates, ...[adapter, bare].map(microseconds)];
}

const microseconds = ({ each }: Pace): string =>
  each === undefined ? '' : each.toFixed(each < 10 ? 1 : 0);

/** All peers one after another, until it is interrupted. */
async function measureAll(peers: readonly string[], stop: AbortSignal): Promise<Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-beside-'));
  // servers run as users of their own
  await chmod(folder, 0o1777);
  const load: Load = {
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    messages: values.messages === undefined ? undefined : Number(values.messages),
  };
  const limit = LIMIT + load.seconds * 10_000;
  const outcomes: Outcome[] = [];
  const tell = (one: Outcome): void => {
    outcomes.push(one);
    say(`  ${isFailed(one) ? failure(one) : told(one)}`);
  };
  for (const peer of peers) {
    if (stop.aborted) break;
    await measurePeer({ peer, what: values.what, load }, { tell, folder, stop, limit });
  }
  await rm(folder, { recursive: true, force: true });
  return outcomes;
}

const told = ({ what, ratio, lowest, highest }: Measured): string =>
  `${what}: ${ratio.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
/** What a busy machine does not change much. */
const byProcessor = ({ bare, adapter }: Measured): string =>
  bare.each === undefined || adapter.each === undefined
    ? ''
    : `; ${(bare.each / adapter.each).toFixed(2)} by processor time`;
const failure = ({ what, why }: Failed): string => `${what}: ${why}`;

const peers = values.only.split(',');
for (const peer of peers) {
  if (PEERS[peer] === undefined) {
    throw new Error(`there is no ${peer}; there are ${Object.keys(PEERS).join()}`);
  }
}
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
const [began, before] = [performance.now(), loadOfMachine()];
const outcomes = await measureAll(peers, stop.signal);
const measured = outcomes.filter(isMeasured);
print(table([HEAD, ...measured.map(rowOf)]));
const minutes = ((performance.now() - began) / 60_000).toFixed(1);
print(`\nload ${before} at the start, ${loadOfMachine()} at the end; ${minutes} minutes`);
const short = measured.filter(isShort);
for (const one of short) print(`below ${ASKED}: ${told(one)}${byProcessor(one)}`);
const failed = outcomes.filter(isFailed);
for (const one of failed) print(`failed: ${failure(one)}`);
if (stop.signal.aborted) print('interrupted');
if (outcomes.length === 0) print('nothing of that name');
const isGood = short.length + failed.length === 0 && outcomes.length > 0 && !stop.signal.aborted;
process.exitCode = isGood ? 0 : 1;
