import type { SearchCriteria } from '../../../src/api/contract/message.ts';
import { ask } from './client.ts';

const PATIENCE = 5_000;
const PAUSE = 150;

/** The trace lags a moment behind what was sent. Waits, for a while, until the message is among the results. */
export async function untilTraced(id: number, criteria: SearchCriteria): Promise<void> {
  const limit = Date.now() + PATIENCE;
  while (Date.now() < limit) {
    const { items } = await ask('POST /messages/search', { body: { ...criteria, limit: 100 } });
    if (items.some((one) => one.id === id)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
