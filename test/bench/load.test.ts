import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { load } from '../../bench/load.ts';
import { ackOf, mllpPeer } from '../support/mllp-peer.ts';

const STALL = 400;

const stalled = async (rate?: number) => {
  await using peer = await mllpPeer();
  peer.script((body, socket, count) => {
    if (count !== 20) return ackOf(body);
    void sleep(STALL).then(() => socket.write(ackOf(body)));
    return undefined;
  });
  const froms: number[] = [];
  const done = await load({
    ports: [peer.port],
    portOf: () => 0,
    connections: 1,
    messages: 100,
    first: 0,
    rate,
    onSend: (_, from) => froms.push(from),
  });
  return { ...done, froms };
};

test('at a fixed rate a late answer counts for every message that was due meanwhile', async () => {
  const { acknowledged, froms } = await stalled(100);
  // 40 were due while the peer was silent: they waited from 400 ms down to nothing
  expect(acknowledged.filter((ms) => ms > STALL / 2).length).toBeGreaterThanOrEqual(15);
  // and the pace was kept: the last was due 990 ms after the first
  expect((froms.at(-1) ?? 0) - (froms[0] ?? 0)).toBeCloseTo(990, -2);
});

test('without a rate it counts for the one message that waited for it', async () => {
  const { acknowledged } = await stalled();
  expect(acknowledged.filter((ms) => ms > STALL / 2).length).toBeLessThan(5);
});

test('a run that is broken off tells how many it sent, all of them answered', async () => {
  await using peer = await mllpPeer();
  const ended = new AbortController();
  const { sent, acknowledged } = await load({
    ports: [peer.port],
    portOf: () => 0,
    connections: 3,
    messages: 1_000_000,
    first: 0,
    rate: 200,
    onSend: (id) => {
      if (id === 'B30') ended.abort();
    },
    signal: ended.signal,
  });
  expect(sent).toBeGreaterThan(30);
  expect(sent).toBeLessThan(40);
  expect(acknowledged).toHaveLength(sent);
  expect(peer.received).toHaveLength(sent);
});
