import { expect, test } from 'vitest';
import { type Fact, factOfWait, fold } from '../../src/trace/fold.ts';
import type { MessageState } from '../../src/trace/message-state.ts';

test('a message that waited is not where it was queued, whichever is told first', () => {
  const of = { id: 1, sessionId: 1, host: 'orders' };
  const queued: Fact = { ...of, queue: { stream: 'WB_p_Q_orders', sequence: 7 } };
  const waits = factOfWait({ ...of, kind: 'wait', at: 1, sequence: 3 });
  for (const facts of [
    [queued, waits],
    [waits, queued],
    [queued, waits, queued],
  ]) {
    let state: MessageState | undefined;
    for (const fact of facts) ({ state } = fold(state, fact));
    expect(state?.queue).toEqual({ stream: 'waiting', sequence: 3 });
  }
});
