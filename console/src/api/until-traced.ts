import type { MessagePage, SearchCriteria } from '../../../src/api/contract/message.ts';
import { ask } from './client.ts';

const PATIENCE = 5_000;
const PAUSE = 150;

/**
 * The trace follows what was sent by some moments; who comes too early would find nothing. Waits, for a while,
 * until the message is among those that fit.
 */
export async function untilTraced(id: number, criteria: SearchCriteria): Promise<void> {
  const limit = Date.now() + PATIENCE;
  while (Date.now() < limit) {
    const { items } = await ask<MessagePage>('messages/search', {
      body: { ...criteria, limit: 100 },
    });
    if (items.some((one) => one.id === id)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
