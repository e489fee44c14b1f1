import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { adapterCatalogue } from '../../adapters/index.ts';
import type { InboundAdapter } from '../../src/adapter/index.ts';
import { hl7Header } from '../../src/document/index.ts';
import type { Delivery, ServiceOrder } from './killed-service.ts';
import { lend } from './open-adapter.ts';

/**
 * Runs a service's adapter in a process that can be killed: `node inbound-process.ts <records>`.
 * The folder `records` contains the order; what is delivered and remembered is written there, as
 * durably as possible without a broker. Each delivery is reported by a line on standard output.
 */
const [records = ''] = process.argv.slice(2);
const {
  adapter,
  settings,
  credentials,
  base = '/',
} = JSON.parse(readFileSync(join(records, 'order'), 'utf8')) as ServiceOrder;
const memory = join(records, 'memory');
const loaded = (await adapterCatalogue.load(adapter)) as InboundAdapter;

let last: Promise<unknown> = Promise.resolve();
/**
 * Stored and remembered things take effect in the order of the calls, as on a connection to a
 * broker: after a delay, and the answer comes after another.
 */
function inTurn(effect: () => void): Promise<void> {
  const turn = last.then(() => sleep(1)).then(effect);
  last = turn;
  return turn.then(() => sleep(1));
}

const { lent } = lend(loaded.settings, settings, { credentials, folder: base });

await loaded.open({
  ...lent,
  lost: (reason) => {
    throw reason;
  },
  async deliver({ name = '', body, dedupeKey = '' }) {
    const bytes = body instanceof Uint8Array ? body : await buffer(body);
    const { controlId } = hl7Header(bytes);
    const delivery: Delivery = {
      id: controlId || name,
      key: dedupeKey,
      body: Buffer.from(bytes).toString('latin1'),
    };
    await inTurn(() => {
      appendFileSync(join(records, 'delivered'), `${JSON.stringify(delivery)}\n`);
      process.stdout.write('\n');
    });
    return { messageId: 1, sessionId: 1, status: 'stored' };
  },
  memory: {
    read: () => Promise.resolve(existsSync(memory) ? readFileSync(memory, 'utf8') : undefined),
    write: (value) =>
      inTurn(() => {
        writeFileSync(`${memory}.next`, value);
        renameSync(`${memory}.next`, memory);
      }),
  },
});
