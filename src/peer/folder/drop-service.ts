import type { Lent, OpenOutbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { inFlight } from '../in-flight.ts';
import { dropFile } from './drop.ts';
import type { DropValues } from './drop-settings.ts';
import { connectFirst, type StoreLine } from './store-line.ts';

/** How long a message that was given up has to clean up after itself when the adapter closes. */
const GRACE = 1_000;

export type DropServiceLent = Pick<Lent<Settings>, 'connection' | 'event'> & {
  readonly settings: DropValues;
};

/** An open adapter that puts each message into a folder at a peer. */
export async function dropService(line: StoreLine, lent: DropServiceLent): Promise<OpenOutbound> {
  const sending = inFlight();
  await connectFirst(line, lent);
  return {
    async send(message, signal) {
      await sending.until(signal, () =>
        line.use((store) => dropFile(store, lent.settings, message, signal)),
      );
      return undefined;
    },
    async close() {
      await sending.ended(GRACE);
      await line.close();
    },
  };
}
