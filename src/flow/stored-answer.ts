import type { Steps } from '../broker/steps.ts';
import { timeLimit } from '../time/timer.ts';

/** The answer that is stored under a key; undefined if none arrived in the remaining time. */
export async function storedAnswer(
  steps: Steps,
  key: string,
  { signal, left }: { signal: AbortSignal; left: number },
): Promise<Uint8Array | undefined> {
  const limit = timeLimit(Math.max(1, left));
  try {
    const { body } = await steps.answer(key, AbortSignal.any([signal, limit.signal]));
    return body;
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error;
    return undefined;
  } finally {
    limit.stop();
  }
}
