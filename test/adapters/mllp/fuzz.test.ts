import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { hl7Header } from '../../../src/document/index.ts';
import { examples } from '../../support/examples.ts';
import { inMllp, type MllpSender } from '../../support/mllp-sender.ts';
import { openResources } from '../../support/nothing-open.ts';
import type { OpenedInbound } from '../../support/open-adapter.ts';
import { type Random, random } from '../../support/random.ts';
import { connected, listening } from './listening.ts';
import { mutatedMessage } from './mutated-message.ts';

/** Set FUZZ_SEED to repeat a run; every failure names the seed. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const MESSAGES_A_CONNECTION = 50;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedMemory(): number {
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

/** Sends the messages, in chunks cut anywhere, and waits until the listener has answered and closed. */
async function exchange(
  opened: OpenedInbound,
  stream: Buffer,
  chance: Random,
): Promise<MllpSender> {
  const sender = await connected(opened);
  for (let at = 0; at < stream.length && !sender.socket.destroyed; ) {
    const end = at + 1 + chance.below(chance.pick([10, 1_000, 100_000]));
    sender.write(stream.subarray(at, end));
    at = end;
  }
  sender.socket.end();
  await new Promise((resolve) => {
    if (sender.socket.closed) resolve(undefined);
    else sender.socket.once('close', resolve);
  });
  return sender;
}

describe.each([
  { validate: 'basic', acknowledge: 'stored', count: examples(4_000) },
  { validate: 'full', acknowledge: 'by-message', count: examples(2_500) },
])('mutated messages with validate $validate, acknowledge $acknowledge', (one) => {
  const { count, ...given } = one;

  test(`${count} of them, each answered right`, async () => {
    const chance = random(SEED);
    const resources = openResources();
    await using opened = await listening({ ...given, batch: 'whole' });
    const answers = { accepted: 0, refused: 0, closed: 0 };
    let memory = 0;
    for (let sent = 0; sent < count; sent += MESSAGES_A_CONNECTION) {
      const bodies = Array.from({ length: MESSAGES_A_CONNECTION }, (_, n) =>
        mutatedMessage(chance, `F${sent + n}`),
      );
      const sender = await exchange(opened, Buffer.concat(bodies.map(inMllp)), chance);
      const codes = sender.codes();
      const context = `seed ${SEED}, message ${sent}`;
      const known = new Set(bodies.map((body) => body.toString('latin1')));
      const answered = opened.delivered.filter(({ body }) => expectsAnswer(body, given));
      for (const { body } of opened.delivered) {
        expect(known.has(body.toString('latin1')), `${context}: changed bytes`).toBe(true);
      }
      for (const code of codes) expect(code, context).toMatch(/^[AC][AER]\|/);
      const accepted = codes.filter((code) => /^[AC]A/.test(code)).length;
      expect(accepted, context).toBe(answered.length);
      answers.accepted += accepted;
      answers.refused += codes.length - accepted;
      if (codes.length < MESSAGES_A_CONNECTION / 2) answers.closed += 1;
      opened.delivered.length = 0;
      opened.log.length = 0;
      opened.events.length = 0;
      if (sent === MESSAGES_A_CONNECTION * 20) memory = usedMemory();
    }
    // Both kinds must be there, or the mutations are too tame or too wild to find anything.
    expect(answers.accepted).toBeGreaterThan(count / 20);
    expect(answers.refused).toBeGreaterThan(count / 20);
    expect(usedMemory() - memory).toBeLessThan(20_000_000);
    await opened.close();
    await resources.expectNothingNew();
  });
});

/** Whether a taken message is to be answered with an accept code. */
function expectsAnswer(body: Buffer, { acknowledge }: { readonly acknowledge: string }): boolean {
  const { acceptAck, applicationAck, isAcknowledgement } = hl7Header(body);
  if (isAcknowledgement) return false;
  if (acknowledge === 'stored' || (acceptAck ?? applicationAck) === undefined) return true;
  return acceptAck === 'AL' || acceptAck === 'SU';
}

/** Bytes in which the marks come often, so that frames open, break and close anywhere. */
function noise(chance: Random): Buffer {
  const parts = Array.from({ length: 1 + chance.below(30) }, () => {
    switch (chance.below(7)) {
      case 0:
        return Buffer.of(0x0b);
      case 1:
        return Buffer.of(0x1c);
      case 2:
        return Buffer.of(0x1c, 0x0d);
      case 3:
        return Buffer.of(0x0d, 0x0a);
      case 4:
        return mutatedMessage(chance, 'N1');
      case 5:
        return Buffer.from(
          chance.pick(['MSH|', 'GET / HTTP/1.1\r\n', '\u0016\u0003\u0001', 'BHS']),
        );
      default:
        return chance.bytes(chance.below(200));
    }
  });
  return Buffer.concat(parts);
}

/** Of bytes that are anything but messages. */
const STREAMS = examples(2_000);

test(`${STREAMS} byte streams: answered or closed, never stuck, nothing made up`, {
  timeout: 240_000,
}, async () => {
  const chance = random(SEED + 1);
  const resources = openResources();
  await using opened = await listening({ limit: '2KB', maxJunk: '1KB', inboundAcks: 'deliver' });
  for (let n = 0; n < STREAMS; n++) {
    const stream = noise(chance);
    const sender = await exchange(opened, stream, chance);
    const text = stream.toString('latin1');
    for (const { body } of opened.delivered) {
      expect(text.includes(body.toString('latin1')), `seed ${SEED}, stream ${n}`).toBe(true);
    }
    for (const code of sender.codes())
      expect(code, `seed ${SEED}, stream ${n}`).toMatch(/^A[AER]\|/);
    opened.delivered.length = 0;
    opened.log.length = 0;
    opened.events.length = 0;
  }
  await opened.close();
  await resources.expectNothingNew();
});
