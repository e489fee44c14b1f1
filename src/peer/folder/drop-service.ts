import type { Lent, OpenOutbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import type { Message } from '../../message/message.ts';
import { inFlight } from '../in-flight.ts';
import { dropFile } from './drop.ts';
import type { DropValues } from './drop-settings.ts';
import type { FileStore } from './file-store.ts';
import { connectFirst, type StoreLine } from './store-line.ts';

/** How long a message that was given up has to clean up after itself when the adapter closes. */
const GRACE = 1_000;

type Told = Pick<Lent<Settings>, 'connection' | 'event'>;

export type DropServiceLent = Told & { readonly settings: DropValues };

/** An open adapter that puts each message into a folder at a peer. */
export function dropService(line: StoreLine, lent: DropServiceLent): Promise<OpenOutbound> {
  return puttingService(line, lent, (store, message, signal) =>
    dropFile(store, lent.settings, message, signal),
  );
}

/** The same where `put` puts a message into the store. */
export async function puttingService<Store extends FileStore>(
  line: StoreLine<Store>,
  lent: Told,
  put: (store: Store, message: Message, signal: AbortSignal) => Promise<void>,
): Promise<OpenOutbound> {
  const sending = inFlight();
  await connectFirst(line, lent);
  return {
    async send(message, signal) {
      await sending.until(signal, () => line.use((store) => put(store, message, signal)));
      return undefined;
    },
    async close() {
      await sending.ended(GRACE);
      await line.close();
    },
  };
}
